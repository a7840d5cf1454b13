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
    NETWORK.*       ...                arrays of that network, as `Network.to_arrays()` names them

inter only

    motion_lambda   int32 (64,)        what a bit of motion weighs in the search, in squared pixels / 256: 0..2^30
                                       (0.6 * 2^((q - 12) / 3) * 256, with q = 44 - Q * 32 / 63 and the P-frames' offset)

intra only

    linear_channels int32 (L,)         the channels of the latent that the context also sees as they are: 0..95, rising

config: {"format": 1, "kind": "inter" or "intra", "networks": {name: what `Network` needs besides its arrays}}.
Other keys are ignored (training, provenance).

Networks and their slots. Grids: 1/4, 1/8, 1/16 of the padded frame, whose sides are multiples of 16: 1/8 is h8 x w8, both even,
1/16 is h8/2 x w8/2, z is ceil(h8/4) x ceil(w8/4). Widths marked F, H, Z, L are free (1..256). `max_abs` of an input slot must be at
least what is given here. Every network is run with the condition round(256 (1 - 2 Q / 63)) of its conditional biases.

    inter network     slots: channels at grid, largest magnitude
    features          in   input        192 at 1/8, 8191   LOG of the prediction's coefficients; of the last symbols
                      out  output       F at 1/8
    indexes_a         in   features     F at 1/8           features' output
                      out  output       96 at 1/16         row of each symbol (limited to 0..63)
    indexes_b         in   features     F at 1/8
                      in   context      96 at 1/8, 8191    LOG of the symbols of step A, 0 elsewhere
                      out  output       96 at 1/16
    synthesis         in   input        48 at 1/4, 8191    pack4 of the residual in 1/16 pixel, pack4 of prediction - 128
                      out  output       24 at 1/4          pack4 of what is added to the prediction, 1/16 pixel
    analysis          in   input        48 at 1/4, 255     pack4 of frame - prediction, of prediction - 128, in pixels
                      out  output       96 at 1/8          is added to the DCT of frame - prediction, 1/8 pixel

    intra network
    hyper             in   input        Z at z, free       the symbols z; larger ones than max_abs are damage
                      out  output       H at 1/8
    indexes_0         in   hyper        H at 1/8           hyper's output
                      out  output       192 at 1/16        means in 1/32 step (limited to +-8191), rows (to 0..63)
    indexes_1, _2, _3 in   hyper        H at 1/8
                      in   context      192 + L at 1/8, 8191  what is known of the latent, 0 elsewhere
                      out  output       192 at 1/16
    synthesis         in   residual     24 at 1/4, 8191    pack4 of the inverse DCT, 1/16 pixel
                      in   coefficients 96 at 1/8, 8191    the coefficients, 1/8 pixel
                      out  output       24 at 1/4          pack4 of the picture - 128, 1/16 pixel
    analysis          in   input        24 at 1/4, 128     pack4 of frame - 128, in pixels
                      out  output       96 at 1/8          is added to the DCT of frame - 128, 1/8 pixel
    hyper_analysis    in   input        96 at 1/8, 8191    sign(u) LOG[|u| / 2], u the coefficients in 1/32 step
                      out  output       Z at z             the symbols z, limited to hyper's max_abs

The networks `indexes_*` go from 1/8 to 1/16, by layers of stride 2. They are stored for the positions with even row and even column,
that is with origin (0, 0); for the grid with parity (py, px), (py, px) is added to the origin of each layer of stride 2. So
indexes_a runs on the grids (0,0) and (1,1), indexes_b on (0,1) and (1,0), indexes_0..3 on (0,0), (1,1), (0,1), (1,0).
In networks from 1/4 to 1/8 or 1/8 to z a layer of stride 2 gives ceil(size / 2) rows and columns.
"""
