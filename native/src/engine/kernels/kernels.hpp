// The inner loops of the layers, one set of them for each instruction set. All give the same
// numbers.
//
// Files that implement them are compiled with flags that the CPU at hand may not have. So they
// include only headers whose functions the linker shares with no other file, and intrinsics.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamcodec::engine {

// What becomes of the sums of a convolution. bias and shift go on to the last vector's end.
struct Finish {
    const std::int32_t* bias;
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
    const std::int16_t* input;              // of the first pixel, where a tap of (0, 0) looks
    std::ptrdiff_t input_row, input_pixel;  // from one output's inputs to the next one's
    const std::ptrdiff_t* taps;             // offsets
    std::size_t tap_count;
    std::size_t inputs;           // channels; loops read on to the end of a pair or of 16
    const std::int16_t* weights;  // see pack.hpp
    Finish finish;
    std::size_t rows, columns;
    std::int16_t* tiles;  // scratch of `winograd`: 16 * kTiles * (inputs, rounded up to 16)
    std::int32_t* sums;   // and 16 * kTiles * kMostLanes
};

constexpr std::size_t kTiles = 24;      // of 2x2 outputs, made together
constexpr std::size_t kMostLanes = 64;  // outputs in a block of weights

// How weights are divided, see pack.hpp.
struct Division {
    std::size_t (*block)(
        std::size_t vectors);  // vectors of the next block, of so many that are left
    std::size_t taps_beside;
};

struct Kernels {
    const char* name;
    std::size_t lanes;  // outputs of a vector
    std::size_t group;  // inputs whose weights lie side by side
    Division division, winograd_division;
    void (*conv)(const ConvJob& job);
    // 3x3 taps, stride 1, by Winograd's F(2x2, 3x3); none: `conv` does them.
    void (*winograd)(const ConvJob& job);
    // For measurements: as many products as a CPU can make, without memory; returns their number.
    std::size_t (*peak)(std::size_t rounds);
    // Of a group, each input's weights of all lanes lie together; else each lane's of all inputs.
    bool is_planar = false;
};

extern const Kernels kScalar;
extern const Kernels kAvx2;
extern const Kernels kAvxVnni;
extern const Kernels kAvx512;
extern const Kernels kAvx512Vnni;
extern const Kernels kNeon;

}  // namespace streamcodec::engine
