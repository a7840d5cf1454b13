// Prediction of a frame from its references by overlapped blocks: integers, specified here to the
// bit.
//
// A plane of size (H, W), vectors v of its 8x8 luma blocks (4x4 chroma blocks), block side B = 8
// (4), fractions of 1/F pixel with F = 4 (8) [a quarter luma pixel is an eighth of a chroma pixel].
// References outside of the plane repeat its outermost pixels: r(y, x) = r(clamp(y, 0, H - 1),
// clamp(x, 0, W - 1)).
//
//     one reference, block b, pixel (y, x):  i = v_b div F (rounded down), f = v_b mod F, taps of
//     filters.hpp for the
//         filter of b's macroblock:
//         p = clamp((sum_k ty[k] * sum_j tx[j] * r(y + i_y + k - N, x + i_x + j - N) + 2048) >> 12,
//         0, 255) with N = 3 and 8 taps (N = 1 and 4 taps)
//     a block of mode 0 uses its vector `previous` and the previous frame, mode 1 `key` and the key
//     frame, mode 2
//         (p of previous + p of key + 1) >> 1
//     overlapped: with c = (2 y + 1 - B) div 2B (rounded down), g = 2 y + 1 - B - 2B c (odd, 1 ..
//     2B - 1) and d, h
//         likewise for x, block rows c, c + 1 and columns d, d + 1 clamped to those that exist:
//         out = (sum over the four blocks of weight * p + 2 B^2) / 4 B^2 (rounded down),
//         weight of row c: 2B - g, of row c + 1: g, times that of the column
//
// Where all four blocks are alike, out is p itself. So it is made cell by cell: a cell is the
// square between four centres of blocks, and only the different ones among its blocks are
// evaluated.
#pragma once

#include "motion/field.hpp"
#include "platform/cpu.hpp"

namespace streamcodec {

class Team;

// Writes all planes of `out`, which has the size of the references and is none of them, and their
// border. `key` may be null if no macroblock has a mode that uses it. Throws BadArgument for sizes
// that do not fit, and for a key that is missing.
void predict(const MotionField& field, const Picture& previous, const Picture* key, Picture& out,
             InstructionSet set, Team* team = nullptr);

}  // namespace streamcodec
