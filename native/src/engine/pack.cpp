#include "engine/pack.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "engine/check.hpp"
#include "engine/network.hpp"

namespace streamcodec::engine {

namespace {

constexpr std::size_t kSide = 3, kWinogradTaps = 16;
constexpr std::int32_t kWinogradMaxAbs = 8191;
constexpr std::int64_t kWinogradMaxSum = (std::int64_t{1} << 29) - 1;

std::size_t divided_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// Where the taps (-1, -1), (-1, 0) .. (1, 1) are in the list; empty if it has not just these.
std::vector<std::size_t> square_taps(const Conv& conv) {
    std::vector<std::size_t> places(kSide * kSide, conv.taps.size());
    for (std::size_t i = 0; i < conv.taps.size(); ++i) {
        const Tap tap = conv.taps[i];
        if (std::abs(tap.dy) > 1 || std::abs(tap.dx) > 1) return {};
        places[static_cast<std::size_t>(3 * (tap.dy + 1) + tap.dx + 1)] = i;
    }
    const bool is_whole = std::find(places.begin(), places.end(), conv.taps.size()) == places.end();
    return is_whole && conv.taps.size() == places.size() ? places : std::vector<std::size_t>{};
}

// 2G w: of three numbers four.
std::array<std::int32_t, 4> transformed(std::int32_t a, std::int32_t b, std::int32_t c) {
    return {2 * a, a + b + c, a - b + c, 2 * c};
}

// (outputs, 16, inputs) of a convolution's (outputs, 9, inputs), or nothing if they do not fit.
std::vector<std::int16_t> winograd_weights(const Conv& conv) {
    const std::vector<std::size_t> taps = square_taps(conv);
    const auto inputs = static_cast<std::size_t>(conv.inputs);
    std::vector<std::int16_t> all(conv.bias.size() * kWinogradTaps * inputs);
    for (std::size_t output = 0; output < conv.bias.size(); ++output) {
        for (std::size_t c = 0; c < inputs; ++c) {
            const auto at = [&](std::size_t i) {
                return std::int32_t{conv.weights[(output * taps.size() + taps[i]) * inputs + c]};
            };
            std::array<std::array<std::int32_t, 4>, kSide> columns;
            for (std::size_t j = 0; j < kSide; ++j)
                columns[j] = transformed(at(j), at(3 + j), at(6 + j));
            for (std::size_t i = 0; i < 4; ++i) {
                const auto row = transformed(columns[0][i], columns[1][i], columns[2][i]);
                for (std::size_t j = 0; j < 4; ++j) {
                    if (std::abs(row[j]) > 32767) return {};
                    all[(output * kWinogradTaps + 4 * i + j) * inputs + c] =
                        static_cast<std::int16_t>(row[j]);
                }
            }
        }
    }
    return all;
}

std::vector<std::int16_t> winograd_if_exact(const Conv& conv, std::int32_t max_abs) {
    if (conv.stride != 1 || square_taps(conv).empty() || max_abs > kWinogradMaxAbs) return {};
    for (std::size_t output = 0; output < conv.bias.size(); ++output) {
        if (largest_sum(conv, output, max_abs) > kWinogradMaxSum) return {};
    }
    return winograd_weights(conv);
}

Buffer<std::int16_t> in_blocks(const std::vector<std::int16_t>& weights, std::size_t outputs,
                               std::size_t taps, std::size_t inputs, const Kernels& kernels,
                               const Division& division) {
    const std::size_t lanes = kernels.lanes, group = kernels.group, beside = division.taps_beside;
    const std::size_t groups = divided_up(inputs, group), vectors = divided_up(outputs, lanes);
    Buffer<std::int16_t> packed(vectors * lanes * taps * groups * group);
    std::int16_t* block = packed.data();
    for (std::size_t first = 0; first < vectors;) {
        const std::size_t size = division.block(vectors - first), wide = size * lanes * group;
        const std::size_t end = std::min(outputs, (first + size) * lanes);
        for (std::size_t output = first * lanes; output < end; ++output) {
            for (std::size_t tap = 0; tap < taps; ++tap) {
                const std::int16_t* const from = weights.data() + (output * taps + tap) * inputs;
                const std::size_t place = output - first * lanes, lane = place % lanes;
                std::int16_t* const to = block + (place - lane) * group;
                for (std::size_t i = 0; i < inputs; ++i) {
                    const std::size_t row = (tap / beside * groups + i / group) * beside;
                    const std::size_t inside =
                        kernels.is_planar ? i % group * lanes + lane : lane * group + i % group;
                    to[(row + tap % beside) * wide + inside] = from[i];
                }
            }
        }
        block += taps * groups * wide;
        first += size;
    }
    return packed;
}

Buffer<std::int32_t> filled_up(const std::vector<std::int32_t>& numbers, std::size_t size,
                               std::int32_t factor, std::int32_t more) {
    Buffer<std::int32_t> all(numbers.empty() ? 0 : size);
    for (std::size_t i = 0; i < numbers.size(); ++i) all[i] = factor * numbers[i] + more;
    return all;
}

}  // namespace

PackedConv pack(const Conv& conv, std::int32_t max_abs, const Kernels& kernels) {
    const std::size_t outputs = conv.bias.size(), inputs = static_cast<std::size_t>(conv.inputs);
    const std::size_t size = divided_up(outputs, kernels.lanes) * kernels.lanes;
    const std::vector<std::int16_t> transformed = kernels.winograd == nullptr
                                                      ? std::vector<std::int16_t>{}
                                                      : winograd_if_exact(conv, max_abs);
    const bool is_winograd = !transformed.empty();
    PackedConv packed;
    packed.is_winograd = is_winograd;
    packed.weights = is_winograd ? in_blocks(transformed, outputs, kWinogradTaps, inputs, kernels,
                                             kernels.winograd_division)
                                 : in_blocks(conv.weights, outputs, conv.taps.size(), inputs,
                                             kernels, kernels.division);
    packed.bias = filled_up(conv.bias, size, is_winograd ? 4 : 1, 0);
    packed.slope = filled_up(conv.slope, size, is_winograd ? 4 : 1, 0);
    packed.shift = filled_up(conv.shift, size, 1, is_winograd ? 2 : 0);
    return packed;
}

}  // namespace streamcodec::engine
