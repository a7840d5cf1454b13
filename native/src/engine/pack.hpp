// A convolution's numbers in the order in which an instruction set's loops read them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/buffer.hpp"
#include "engine/kernels.hpp"

namespace streamcodec::engine {

struct Conv;

// Outputs are divided into blocks of a few vectors (Kernels::block) of `lanes` outputs each; the
// last vector may be filled up with zeros. Weights of a block: [tap][inputs /
// group][vector][lane][group], the last group filled up.
struct PackedConv {
    Buffer<std::int16_t> weights;
    Buffer<std::int32_t> bias, shift;  // by output, filled up likewise
};

PackedConv pack(const Conv& conv, const Kernels& kernels);

}  // namespace streamcodec::engine
