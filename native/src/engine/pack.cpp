#include "engine/pack.hpp"

#include <algorithm>

#include "engine/network.hpp"

namespace streamcodec::engine {

namespace {

std::size_t divided_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

}  // namespace

PackedConv pack(const Conv& conv, const Kernels& kernels) {
    const std::size_t lanes = kernels.lanes, group = kernels.group, outputs = conv.bias.size();
    const std::size_t inputs = static_cast<std::size_t>(conv.inputs),
                      groups = divided_up(inputs, group);
    const std::size_t taps = conv.taps.size(), vectors = divided_up(outputs, lanes);
    PackedConv packed{Buffer<std::int16_t>(vectors * lanes * taps * groups * group),
                      Buffer<std::int32_t>(vectors * lanes), Buffer<std::int32_t>(vectors * lanes)};
    std::copy(conv.bias.begin(), conv.bias.end(), packed.bias.data());
    std::copy(conv.shift.begin(), conv.shift.end(), packed.shift.data());
    std::int16_t* block = packed.weights.data();
    for (std::size_t first = 0; first < vectors;) {
        const std::size_t size = kernels.block(vectors - first), wide = size * lanes;
        const std::size_t end = std::min(outputs, (first + size) * lanes);
        for (std::size_t output = first * lanes; output < end; ++output) {
            for (std::size_t tap = 0; tap < taps; ++tap) {
                const std::int16_t* const from =
                    conv.weights.data() + (output * taps + tap) * inputs;
                std::int16_t* const to =
                    block + tap * groups * wide * group + (output - first * lanes) * group;
                for (std::size_t i = 0; i < inputs; ++i)
                    to[i / group * wide * group + i % group] = from[i];
            }
        }
        block += taps * groups * group * wide;
        first += size;
    }
    return packed;
}

}  // namespace streamcodec::engine
