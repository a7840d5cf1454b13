// What moves where: the motion field of one frame, and the planes that it refers to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "platform/view.hpp"

namespace streamcodec {

constexpr int kMacroblock = 16;     // luma pixels, each side
constexpr int kVectorLimit = 1023;  // quarter pixels, each component of a vector
constexpr int kFilters = 3;         // 0 sharp, 1 smooth, 2 blur
enum MotionMode : std::uint8_t { kFromPrevious = 0, kFromKey = 1, kAverage = 2 };
constexpr int kModes = 3;

// In quarter luma pixels: the prediction of the pixel at p comes from p + (y, x) / 4.
struct Vector {
    std::int16_t y = 0, x = 0;
};
constexpr bool operator==(Vector a, Vector b) { return a.y == b.y && a.x == b.x; }
constexpr bool operator!=(Vector a, Vector b) { return !(a == b); }

// The two vectors of an 8x8 block, or of a macroblock: into the previous frame and into the key
// frame of the GOP. Both are always there; the one that a mode does not use is derived (syntax.hpp)
// and predicts others.
struct Pair {
    Vector previous, key;
};

// A value: (rows, columns) macroblocks with a mode and a filter each, and (2 rows, 2 columns) 8x8
// blocks with vectors.
struct MotionField {
    int rows = 0, columns = 0;
    std::vector<std::uint8_t> modes, filters;  // [row * columns + column]
    std::vector<Pair> blocks;                  // [y * 2 columns + x]

    MotionField() = default;
    MotionField(int rows_,
                int columns_);  // all zero. Throws BadArgument for sides outside of 1..4096

    int stride() const { return 2 * columns; }
    const Pair& block(int y, int x) const {
        return blocks[static_cast<std::size_t>(y * stride() + x)];
    }
    Pair& block(int y, int x) { return blocks[static_cast<std::size_t>(y * stride() + x)]; }
    std::size_t at(int row, int column) const {
        return static_cast<std::size_t>(row * columns + column);
    }

    // Throws BadArgument for sizes, modes, filters or vectors that are not accepted.
    void check() const;
};

// A uint8 plane with a border on all sides that repeats its outermost pixels. Rows start at
// multiples of 64 bytes.
class Plane {
  public:
    static constexpr int kBorder = 64;

    Plane() = default;
    Plane(int height, int width);

    int height() const { return height_; }
    int width() const { return width_; }
    std::ptrdiff_t stride() const { return stride_; }
    // The pixel (y, 0); negative y and positions beyond the sides are the border.
    const std::uint8_t* row(int y) const {
        return pixels_.data() + offset_ + (y + kBorder) * stride_;
    }
    std::uint8_t* row(int y) { return pixels_.data() + offset_ + (y + kBorder) * stride_; }

    // Takes (height, width) pixels, no larger than the plane, and repeats the last row and column
    // up to its size and into the border.
    void fill(const std::uint8_t* pixels, int height, int width);
    // Repeats the outermost pixels into the border: to be called after row() was written to.
    void extend();

  private:
    int height_ = 0, width_ = 0;
    std::ptrdiff_t stride_ = 0, offset_ = 0;
    std::vector<std::uint8_t> pixels_;
};

// A 4:2:0 frame as references have it: sides are multiples of 16, chroma has half of each.
struct Picture {
    Plane luma, u, v;

    Picture() = default;
    Picture(int height, int width);  // rounded up to multiples of 16

    int rows() const { return luma.height() / kMacroblock; }
    int columns() const { return luma.width() / kMacroblock; }
};

}  // namespace streamcodec
