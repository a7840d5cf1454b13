#include "motion/field.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

#include "platform/error.hpp"

namespace streamcodec {

MotionField::MotionField(int rows_, int columns_) : rows(rows_), columns(columns_) {
    if (rows < 1 || columns < 1 || rows > 4096 || columns > 4096) {
        throw BadArgument("a motion field of " + std::to_string(rows) + "x" +
                          std::to_string(columns) + " macroblocks; accepted: 1..4096 each");
    }
    const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    modes.resize(count);
    filters.resize(count);
    blocks.resize(4 * count);
}

void MotionField::check() const {
    const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    if (modes.size() != count || filters.size() != count || blocks.size() != 4 * count) {
        throw BadArgument("the arrays of a motion field are not of its size");
    }
    for (const std::uint8_t mode : modes) {
        if (mode >= kModes)
            throw BadArgument("a motion mode is " + std::to_string(mode) + "; accepted: 0..2");
    }
    for (const std::uint8_t filter : filters) {
        if (filter >= kFilters)
            throw BadArgument("a motion filter is " + std::to_string(filter) + "; accepted: 0..2");
    }
    for (const Pair& pair : blocks) {
        for (const int component : {pair.previous.y, pair.previous.x, pair.key.y, pair.key.x}) {
            if (std::abs(component) > kVectorLimit) {
                throw BadArgument("a motion vector has " + std::to_string(component) +
                                  " quarter pixels; accepted: -1023..1023");
            }
        }
    }
}

Plane::Plane(int height, int width) : height_(height), width_(width) {
    stride_ = (width + 2 * kBorder + 63) / 64 * 64;
    // 64 more bytes in front, to round the start up, and behind, where vectors may read beyond the
    // last row.
    pixels_.resize(static_cast<std::size_t>((height + 2 * kBorder) * stride_ + 128));
    const auto address = reinterpret_cast<std::uintptr_t>(pixels_.data());
    offset_ = static_cast<std::ptrdiff_t>((64 - address % 64) % 64) + kBorder;
}

void Plane::fill(const std::uint8_t* pixels, int height, int width) {
    for (int y = 0; y < height_; ++y) {
        const int from = y < height ? y : height - 1;
        std::uint8_t* const to = row(y);
        std::memcpy(to, pixels + static_cast<std::ptrdiff_t>(from) * width,
                    static_cast<std::size_t>(width));
        std::memset(to + width, to[width - 1], static_cast<std::size_t>(width_ - width));
    }
    extend();
}

void Plane::extend() {
    for (int y = 0; y < height_; ++y) {
        std::uint8_t* const to = row(y);
        std::memset(to - kBorder, to[0], kBorder);
        std::memset(to + width_, to[width_ - 1], kBorder);
    }
    const std::size_t length = static_cast<std::size_t>(width_ + 2 * kBorder);
    for (int y = 1; y <= kBorder; ++y) {
        std::memcpy(row(-y) - kBorder, row(0) - kBorder, length);
        std::memcpy(row(height_ - 1 + y) - kBorder, row(height_ - 1) - kBorder, length);
    }
}

namespace {
int round_up(int side) { return (side + kMacroblock - 1) / kMacroblock * kMacroblock; }
}  // namespace

Picture::Picture(int height, int width)
    : luma(round_up(height), round_up(width)),
      u(luma.height() / 2, luma.width() / 2),
      v(luma.height() / 2, luma.width() / 2) {}

}  // namespace streamcodec
