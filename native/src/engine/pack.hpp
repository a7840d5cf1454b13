// A convolution's numbers in the order in which an instruction set's loops read them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/buffer.hpp"
#include "engine/kernels/kernels.hpp"

namespace streamcodec::engine {

struct Conv;

// Outputs are divided into blocks of a few vectors (Kernels::block) of `lanes` outputs each; the
// last vector is filled up with zeros. Weights of a block: [tap][inputs /
// group][vector][lane][group], the last group filled up; [vector][group][lane] if
// Kernels::is_planar.
//
// Winograd's F(2x2, 3x3) makes 2x2 outputs of 4x4 inputs d by 16 products instead of 36. With
//
//         1  0 -1  0             2  0  0           1  1  1  0
//   B' =  0  1  1  0    2 G =    1  1  1     A' =  0  1 -1 -1
//         0 -1  1  0             1 -1  1
//         0  1  0 -1             0  0  2
//
// u = 2G w 2G' and v = B' d B are integers, and A' (sum over c of u * v) A is four times the sum of
// the direct form: exactly, modulo 2^32. So it gives the same results where v and u fit into int16
// and four times the sum into int32. `weights` hold u, its 16 elements in place of taps; bias,
// slope are 4 times the layer's, and the shift is 2 more.
struct PackedConv {
    bool is_winograd = false;
    Buffer<std::int16_t> weights;
    Buffer<std::int32_t> bias, slope, shift;  // by output, filled up likewise; slope: or none
};

// max_abs: of the input.
PackedConv pack(const Conv& conv, std::int32_t max_abs, const Kernels& kernels);

}  // namespace streamcodec::engine
