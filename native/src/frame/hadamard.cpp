#include "frame/hadamard.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "frame/bands.hpp"

namespace streamcodec::frame {

namespace {

// A channel of a macroblock: p q above r s.
using Block = std::array<std::int32_t, 4>;

std::int32_t halved(std::int32_t sum) { return std::clamp((sum + 1) >> 1, -32768, 32767); }

Block transformed(const Block& block) {
    const auto [p, q, r, s] = block;
    return {halved(p + q + r + s), halved(p - q + r - s), halved(p + q - r - s),
            halved(p - q - r + s)};
}

// The smaller of what the block's coefficients leave if they are not coded and what they take.
std::int64_t cost_of(const Block& block, std::int32_t gain, std::int32_t bit) {
    std::int64_t sum = 0;
    for (const std::int32_t coefficient : block) {
        const std::int64_t value = (std::int64_t{coefficient} * gain + (1 << 11)) >> 12;
        std::int64_t bits = kBitsOfSymbol;
        for (std::int64_t left = (std::abs(value) + 128) >> 8; left != 0; left >>= 1) bits += 2;
        sum += std::min(value * value, bit * bits);
    }
    return sum;
}

// Calls work(channel, its block, where the four numbers of that are) for each row of macroblocks.
template <typename Latent, typename Work>
void for_blocks(Latent* latent, const Geometry& size, const std::vector<std::size_t>& channels,
                std::size_t y, Work work) {
    const std::size_t row = size.columns8() * kChannels;
    for (std::size_t x = 0; x < size.columns8(); x += 2) {
        for (const std::size_t channel : channels) {
            Latent* const first = latent + 2 * y * row + x * kChannels + channel;
            const std::array<Latent*, 4> places{first, first + kChannels, first + row,
                                                first + row + kChannels};
            work(channel, Block{*places[0], *places[1], *places[2], *places[3]}, places);
        }
    }
}

}  // namespace

bool gains_by_hadamard(const std::int16_t* latent, const Geometry& size,
                       const std::vector<std::size_t>& channels, const std::int32_t* gain,
                       std::int32_t bit, Team& team) {
    std::atomic<std::int64_t> gained{0};
    for_rows(team, size.rows8() / 2, [&](std::size_t y) {
        std::int64_t sum = 0;
        for_blocks(latent, size, channels, y,
                   [&](std::size_t channel, const Block& block, const auto&) {
                       sum += cost_of(block, gain[channel], bit) -
                              cost_of(transformed(block), gain[channel], bit);
                   });
        gained += sum;
    });
    return gained > 0;
}

void hadamard(std::int16_t* latent, const Geometry& size, const std::vector<std::size_t>& channels,
              Team& team) {
    for_rows(team, size.rows8() / 2, [&](std::size_t y) {
        for_blocks(latent, size, channels, y,
                   [](std::size_t, const Block& block, const auto& places) {
                       const Block found = transformed(block);
                       for (std::size_t i = 0; i < 4; ++i)
                           *places[i] = static_cast<std::int16_t>(found[i]);
                   });
    });
}

}  // namespace streamcodec::frame
