// The loops over pixels of motion search and prediction, one set for each instruction set; all give
// the same numbers.
//
// Files that implement one are compiled with flags that the CPU may not have. So they include only
// this header, filters.hpp and the compiler's intrinsics, and define nothing that the linker could
// share with other files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamcodec {

// A block of pixels somewhere in a plane.
struct Pixels {
    const std::uint8_t* at;
    std::ptrdiff_t stride;
};

struct MotionKernels {
    // to[y][x] = clamp((sum_k ty[k] * (sum_j tx[j] * from[y + k - 3][x + j - 3]) + 2048) >> 12, 0,
    // 255), 8 taps each way. width is a multiple of 8, height of 4 up to 32; up to 32 bytes beyond
    // each row of `from` may be read.
    void (*luma)(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
                 std::ptrdiff_t stride, int width, int height);
    // The same with 4 taps, at [y + k - 1][x + j - 1]. width and height are multiples of 4.
    void (*chroma)(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
                   std::ptrdiff_t stride, int width, int height);
    // Sum of squared differences of 16x16 and 8x8 pixels.
    std::uint32_t (*ssd16)(Pixels a, Pixels b);
    std::uint32_t (*ssd8)(Pixels a, Pixels b);
    // Sum of absolute differences of 8x8 pixels.
    std::uint32_t (*sad8)(Pixels a, Pixels b);
    // to[k] = (to[k] + other[k] + 1) >> 1; count is a multiple of 16.
    void (*average)(std::uint8_t* to, const std::uint8_t* other, int count);
    // Mean of 2x2 pixels, (sum + 2) >> 2: one row of `width` results from the rows `above` and
    // `below`.
    void (*halve)(const std::uint8_t* above, const std::uint8_t* below, std::uint8_t* to,
                  int width);
    // A cell of predict.hpp of 8x8 (4x4) pixels from those of its corners (above, then below; 8 or
    // 4 a row, without gaps).
    void (*blend8)(const std::uint8_t* const* parts, std::uint8_t* to, std::ptrdiff_t stride);
    void (*blend4)(const std::uint8_t* const* parts, std::uint8_t* to, std::ptrdiff_t stride);
};

extern const MotionKernels kMotionScalar;
extern const MotionKernels kMotionAvx2;

}  // namespace streamcodec
