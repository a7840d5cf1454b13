// The sizes of a frame's grids.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/network.hpp"
#include "frame/kernels/kernels.hpp"

namespace streamcodec::frame {

constexpr std::int32_t kMaxSide = 16384;  // pixels

// A grid of positions of the latent, those with row % 2 == y and column % 2 == x.
struct Parity {
    std::int32_t y, x;
};

struct Geometry {
    std::int32_t height = 0, width = 0;  // pixels of luma, 1..kMaxSide

    std::int32_t padded_height() const { return (height + 15) / 16 * 16; }
    std::int32_t padded_width() const { return (width + 15) / 16 * 16; }
    engine::Size quarter() const { return {padded_height() / 4, padded_width() / 4}; }
    engine::Size eighth() const { return {padded_height() / 8, padded_width() / 8}; }
    engine::Size sixteenth() const { return {padded_height() / 16, padded_width() / 16}; }
    engine::Size z() const { return {(padded_height() + 31) / 32, (padded_width() + 31) / 32}; }

    std::size_t rows8() const { return static_cast<std::size_t>(eighth().height); }
    std::size_t columns8() const { return static_cast<std::size_t>(eighth().width); }
    std::size_t latent() const { return rows8() * columns8() * kChannels; }  // elements
    std::size_t grid() const { return latent() / 4; }  // elements of a parity's positions
};

inline bool operator==(const Geometry& a, const Geometry& b) {
    return a.height == b.height && a.width == b.width;
}
inline bool operator!=(const Geometry& a, const Geometry& b) { return !(a == b); }

}  // namespace streamcodec::frame
