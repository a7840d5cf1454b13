// The DCT codec: specification of a frame's payload and of its numbers, byte by byte and bit by
// bit.
//
// Everything is integer arithmetic; a decoder gives the same pictures on every machine. "x >> n" is
// floor(x / 2^n); clamp(x, a, b) = min(max(x, a), b); sat16(x) = clamp(x, -32768, 32767). Sums fit
// in 32 bits where nothing is said.
//
// Weights (streamcodec/codec/dct_weights.py) give: step and gain [quality][96], LOG[0..4095], the
// probability tables, the network with its stages (engine/network.hpp specifies what they compute),
// for I-frames linear_channels. Stages run with the condition round(256 (63 - 2 quality) / 63).
//
// ---- Payload
//
//     byte 0   quality, 0..63
//     byte 1   the sets of rows of its steps (sets.hpp), 0 with weights that have one set; plus 16
//     in
//              P- and B-frames whose channels of `hadamard` are transformed
//     then     one stream of the entropy coder (stream.hpp), to the end. Its symbols, in this
//     order:
//              P- and B-frame: motion (motion/syntax.hpp, rows from 64 on); step A; step B
//              I-frame: z; steps 0, 1, 2, 3
//
// Anything else is damage: another head, symbols beyond what is said here, a stream that does not
// end where it should. In a file bit 6 of byte 0 says that a frame is a B-frame: that is taken away
// before (streamcodec/codec/frame.py).
//
// ---- Grids
//
// A frame has 8-bit 4:2:0 planes Y (H, W), U and V (ceil(H / 2), ceil(W / 2)). Inside, Y has H and
// W rounded up to multiples of 16, U and V half of that; an encoder repeats the last row and
// column. Decoding ends by cropping. h4 = rows of Y / 4, h8 = rows / 8, h16 = rows / 16, hz =
// ceil(h8 / 4), and w4, w8, w16, wz likewise.
//
//     cell    (y, x) of (h4, w4): 4x4 pixels of Y and 2x2 of U and V as 24 channels: 4 iy + ix of
//     Y, 16 + 2 iy + ix of U,
//             20 + 2 iy + ix of V. Planes as cells are called pack4
//     latent  (h8, w8, 96): channel 8 u + v of Y's 8x8 DCT, 64 + 4 u + v of U's 4x4 DCT, 80 + 4 u +
//     v of V's; u is the
//             vertical frequency
//     parity  (py, px): the positions (2y + py, 2x + px) of the latent, y < h16, x < w16
//
// Symbols of a parity come in raster order of (y, x), at a position by channel. Each has a row
// 0..63, is coded with that row of the step's set, and lies within +-2047. Row 0 is certain: its
// symbols are 0 and take no bits.
//
// ---- Transforms
//
// B = kBasis8 or kBasis4 (kernels.hpp) = round(2^13 times the orthonormal DCT), [frequency][pixel].
//
//     forward, pixels p to coefficients c in 1/8:
//         t[u][x] = (sum_y B[u][y] p[y][x] + 2^9) >> 10;  c[u][v] = sat16((sum_x B[v][x] t[u][x] +
//         2^12) >> 13)
//     inverse, coefficients in 1/8 to a residual r in 1/16:
//         t[y][v] = sat16((sum_u B[u][y] c[u][v] + 2^11) >> 12)
//         r[y][x] = clamp((sum_v B[v][x] t[y][v] + 2^12) >> 13, -8191, 8191)
//
// Hadamard, of a channel of the latent, at the four positions of each macroblock, p q above r s:
//
//     half(a) = sat16((a + 1) >> 1)
//     p, q := half(p + q + r + s), half(p - q + r - s)
//     r, s := half(p + q - r - s), half(p - q - r + s)
//
// Weights of P-frames may name channels, their `hadamard`; a flag of the frame says whether these
// are coded after this transform, which is its own inverse but for rounding.
//
// ---- P-frame
//
// The I- or P-frame before it (previous) and the I-frame of its GOP (key) are references, as
// decoded, with their padding.
//
//  1. Motion field: read_motion() with this quality, the field of the previous frame if that is a
//  P-frame, and with a key
//     frame unless the previous frame is the key frame itself. Prediction: predict()
//     (motion/predict.hpp).
//  2. synthesis_in channels 24..47 = pack4(prediction - 128). d = forward transform of prediction -
//  128.
//     features_in channel i < 96 = LOG[min((|d_i| * gain_i + 2^15) >> 16, 4095)] (33 bits);
//     96 + i = LOG[16 m_i], m_i = min(|s_i|, 255) with the previous frame's symbols s, all 0 if it
//     is the I-frame. Stage `features`.
//  3. Step A: stage indexes_a for the parities (0,0), then (1,1); with the flag, hadamard_a00, then
//     hadamard_a11. The row of a symbol is clamp(value of slot `rows`, 0, 63), moved as adapt.hpp
//     says.
//     Then the symbols of (0,0) and of (1,1). At these positions context_i = LOG[16 min(|s_i|,
//     255)]; it is 0 elsewhere.
//  4. Step B: stage indexes_b for (0,1), then (1,0); with the flag, hadamard_b01, hadamard_b10.
//     Then the symbols of both.
//  5. c_i = sat16((s_i * step_i + 8) >> 4); with the flag, Hadamard of the channels named.
//     synthesis_in channels 0..23 = pack4 of the inverse transform.
//     Stage `synthesis`.
//  6. With o the value of synthesis_out at a pixel: pixel = clamp(prediction + ((o + 8) >> 4), 0,
//  255).
//
// ---- B-frame
//
// As a P-frame, by the same weights, with other references: two decoded frames of its GOP, the past
// `back` frames before it and the future `ahead` frames behind it, each 1..8. The past takes the
// place of the previous frame, the future that of the key frame, which is always there. What a
// P-frame takes from the previous frame follows from the two:
//
//     motion field   with u, at the same place, the vector that leads from the future to the past:
//                    `previous` of the future if that was coded from this past, else -key of the
//                    past, which was coded from this future. previous = floor((2 u back + n) / 2n)
//                    with n = back + ahead, key = -u; mode 2, filter 0
//     symbols        m_i = min(m_i of the past, m_i of the future); 0 if the past is the I-frame
//     row sums       (S of the past >> 1) + (S of the future >> 1); 0 if the past is the I-frame
//
// Which frame has which references: streamcodec/codec/pyramid.py.
//
// ---- I-frame
//
//  1. Symbols z (hz, wz, Z), raster, at a position by channel; channel c has row 64 + c; |z| must
//  be within max_abs of
//     slot `z`. Stage `hyper`.
//  2. Step k = 0..3 for the parities (0,0), (1,1), (0,1), (1,0): stage indexes_k. Slot `rows` has
//  the means, channels
//     0..95, clamped to +-8191, and the rows, 96..191, clamped to 0..63, and moved as adapt.hpp
//     says. Then the symbols s.
//     u_i = 32 s_i + mean_i (1/32 step). Slot `context`, 0 where nothing is decoded yet: with g_i =
//     LOG[min(|u_i| >> 1, 4095)] channel i < 96 = g_i, or -g_i if u_i < 0; 96 + i = g_i; 192 + j =
//     clamp(u of the j-th of linear_channels, -8191, 8191).
//  3. Slot `coefficients` c_i = clamp((u_i * step_i + 256) >> 9, -8191, 8191). Slot `residual` =
//  pack4 of the inverse
//     transform. Stage `synthesis`.
//  4. With o the value of synthesis_out at a pixel: pixel = clamp(128 + ((o + 8) >> 4), 0, 255).
//
// ---- Encoder
//
// Any choice of symbols makes a valid stream. This one is made of integers too, so the same picture
// gives the same bytes everywhere. P-frame: search_motion() on the decoded references (of a B-frame
// from afar into the future too); y = forward transform of frame - prediction, plus stage
// `analysis` on pack4(frame - prediction), pack4(prediction - 128), sat16, the channels of
// `hadamard` transformed where gains_by_hadamard() (hadamard.hpp) says so. I-frame: y = forward
// transform of frame - 128, plus `analysis`; z = stage hyper_analysis on g_i with the sign of y.
// The product y * gain is in steps; quantiser.hpp chooses, step by step, since the rows of a step
// depend on the symbols before it, and by the rows before they are moved.
//
// Preset slow codes a P-frame twice. `synthesis` takes away some of the error that symbols leave,
// and makes some: after the first time, y of luma, before Hadamard, moves three quarters of the way
// to c + e, with c of step 5 and e the forward transform of frame - decoded frame.
#pragma once

#include "frame/inter.hpp"
#include "frame/intra.hpp"
