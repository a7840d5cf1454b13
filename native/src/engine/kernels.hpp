// The inner loops of the layers, one set of them for each instruction set. All give the same
// numbers.
//
// Files that implement them are compiled with flags that the CPU at hand may not have. So they
// include only headers whose functions the linker shares with no other file, and the compiler's
// intrinsics.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamcodec::engine {

// What becomes of the sums of a convolution.
struct Finish {
    const std::int32_t*
        bias;  // both: zero beyond the outputs, up to the next multiple of 16 and 16 more
    const std::int32_t* shift;
    std::int32_t low, high;
    const std::int16_t* add;  // none: nothing
    std::ptrdiff_t add_row, add_pixel;
    std::int16_t* output;  // the first pixel's
    std::ptrdiff_t output_row, output_pixel;
    std::size_t outputs;
};

// Some rows of a convolution.
struct ConvJob {
    const std::int16_t* input;              // the first pixel's, where a tap of (0, 0) looks
    std::ptrdiff_t input_row, input_pixel;  // from an output's inputs to the next one's
    const std::ptrdiff_t* taps;             // offsets
    std::size_t tap_count;
    std::size_t inputs;           // channels
    const std::int16_t* weights;  // see pack.hpp
    Finish finish;
    std::size_t rows, columns;
};

struct Kernels {
    const char* name;
    std::size_t lanes;  // outputs of a vector
    std::size_t group;  // inputs whose weights lie side by side
    // Vectors of outputs that a block of weights has, for an output of that many vectors in all
    // that are left.
    std::size_t (*block)(std::size_t vectors);
    void (*conv)(const ConvJob& job);
};

extern const Kernels kScalar;

}  // namespace streamcodec::engine
