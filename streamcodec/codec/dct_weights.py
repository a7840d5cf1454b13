"""Weights of the DCT codec: what a weights file of kind "intra" or "inter" holds, its checks and limits.

A weights file is a safetensors file of integer arrays, and metadata with the key "config": JSON. `DctWeights` is its content in
memory. Everything that decides symbols or pixels is in it; native/src/frame/frame.hpp specifies what is computed with it.

Both kinds. M = 96 latent channels, Q = 64 qualities

    name            array              content and limits
    step            int32 (64, 96)     step of the quantiser in 1/128 pixel, at quality Q. inter 64..65535, intra 64..24576
    gain            int32 (64, 96)     round(2^24 / step), or what else the encoder should multiply with: 1..262144
    rd_lambda       int32 (64,)        what a bit weighs in the choice of symbols, in squared steps / 65536: 0..2^20
    log_table       int16 (4096,)      LOG[a] = round(256 ln(1 + a / 16)); read by both sides, so part of the format:
                                       not negative, not falling, at most 8191
    quantized_cdf   int32 (K, L)       the probability tables (streamcodec/tables.py) of everything in a payload:
    cdf_length      int32 (K,)         rows 0..63 for the symbols of the latent. Row 0 must be certain; a certain row
    offset          int32 (K,)         must have the value 0; a row's values must lie within +-2047
                                       inter: then the rows of the motion syntax (streamcodec.motion says how many)
                                       intra: then a row for each channel of z
    network.*       ...                arrays of the network, as the engine's `Network.to_arrays()` names them

inter only

    motion_lambda   int32 (64,)        what a bit of motion weighs in the search, in squared differences of luma / 16:
                                       1..2^24 (0.6 * 2^((q - 12) / 3) * 16, q = 44 - Q * 32 / 63 + the P-frames' offset)

intra only

    linear_channels int32 (L,)         the channels of the latent that the context also sees as they are: 0..95, rising

config: {"format": 1, "kind": "inter" or "intra", "network": what `Network` needs besides its arrays}.
Other keys are ignored (training, provenance).

The network. A model has one `Network` (streamcodec/engine), with the stages and slots below; others slots are its own affair
(hidden layers: any name but these). Grids: 1/4, 1/8, 1/16 of the padded frame, whose sides are multiples of 16: 1/8 is h8 x w8, both
even, 1/16 is h8/2 x w8/2, z is ceil(h8/4) x ceil(w8/4). Widths F, H, Z, L are free (1..256). `max_abs` of a slot that is an input must be
at least what is given here. All stages run with the condition round(256 (1 - 2 Q / 63)) of their conditional biases.

    inter: slot     channels, grid, magnitude
    features_in     192 at 1/8, 8191   input. LOG of the prediction's coefficients in 1/16 step; LOG[16 min(|s|, 255)] of
                                       the previous P-frame's symbols s, 0 after an I-frame
    features        F at 1/8           written by stage `features`
    context         96 at 1/8, 8191    input. LOG[16 min(|s|, 255)] of the symbols of step A, 0 elsewhere
    rows            96 at 1/16         written by `indexes_a` and `indexes_b`: row of each symbol (limited to 0..63)
    synthesis_in    48 at 1/4, 8191    input. pack4 of the residual in 1/16 pixel, then pack4 of prediction - 128
    synthesis_out   24 at 1/4          written by `synthesis`: pack4 of what is added to the prediction, 1/16 pixel
    analysis_in     48 at 1/4, 255     input. pack4 of frame - prediction, then of prediction - 128, in pixels
    analysis_out    96 at 1/8          written by `analysis`: is added to the DCT of frame - prediction, 1/8 pixel

    inter: stage    reads                      writes
    features        features_in                features
    indexes_a       features                   rows
    indexes_b       features, context          rows
    synthesis       synthesis_in               synthesis_out
    analysis        analysis_in                analysis_out

    intra: slot     channels, grid, magnitude
    z               Z at z, free       input. The symbols z themselves; larger ones than max_abs are damage
    hyper_half      H at 1/16          given size: what the first DepthToSpace of `hyper` crops to
    hyper           H at 1/8           given size, written by stage `hyper`
    context         192 + L at 1/8, 8191   input. What is known of the latent, 0 elsewhere
    rows            192 at 1/16        written by `indexes_*`: means in 1/32 step (limited to +-8191), rows (to 0..63)
    residual        24 at 1/4, 8191    input. pack4 of the inverse DCT, 1/16 pixel
    coefficients    96 at 1/8, 8191    input. The coefficients, 1/8 pixel
    synthesis_out   24 at 1/4          written by `synthesis`: pack4 of the picture - 128, 1/16 pixel
    analysis_in     24 at 1/4, 128     input. pack4 of frame - 128, in pixels
    analysis_out    96 at 1/8          written by `analysis`: is added to the DCT of frame - 128, 1/8 pixel
    hyper_in        96 at 1/8, 8191    input. sign(u) LOG[|u| / 2], u the coefficients in 1/32 step
    z_out           Z at z             written by `hyper_analysis`: the symbols z (limited to z's max_abs)

    intra: stage    reads                      writes
    hyper           z                          hyper
    indexes_0       hyper                      rows
    indexes_1 .. 3  hyper, context             rows
    synthesis       residual, coefficients     synthesis_out
    analysis        analysis_in                analysis_out
    hyper_analysis  hyper_in                   z_out

The stages `indexes_*` go from 1/8 to 1/16, by layers of stride 2. They are stored for the positions with even row and even column,
that is with origin (0, 0); for the grid with parity (py, px), (py, px) is added to the origin of each layer of stride 2. So
indexes_a runs on the grids (0,0) and (1,1), indexes_b on (0,1) and (1,0), indexes_0..3 on (0,0), (1,1), (0,1), (1,0).
A layer of stride 2 elsewhere gives ceil(size / 2) rows and columns.
"""
