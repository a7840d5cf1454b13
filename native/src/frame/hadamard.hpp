// The transform across macroblocks, of the lowest frequencies: frame.hpp, "Transforms".
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "frame/geometry.hpp"
#include "platform/team.hpp"

namespace streamcodec::frame {

// What a symbol takes, at least, in the estimate below.
constexpr std::int64_t kBitsOfSymbol = 8;

// Whether these channels of a latent probably take less after the transform. `gain`: of each of the
// 96 channels; `bit`: what a bit weighs, in squared steps / 65536.
bool gains_by_hadamard(const std::int16_t* latent, const Geometry& size,
                       const std::vector<std::size_t>& channels, const std::int32_t* gain,
                       std::int32_t bit, Team& team);

// Replaces these channels of a latent (h8, w8, 96) by their transform.
void hadamard(std::int16_t* latent, const Geometry& size, const std::vector<std::size_t>& channels,
              Team& team);

}  // namespace streamcodec::frame
