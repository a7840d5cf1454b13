// Programs of networks, as a weights file may hold them: each is refused, or runs with the same
// result by plain loops in memory of its own as by others in memory that its slots share.
#include <vector>

#include "engine/kernels/select.hpp"
#include "engine/network.hpp"
#include "engine/workspace.hpp"
#include "fuzz.hpp"
#include "platform/error.hpp"

using namespace streamcodec;
using namespace streamcodec::engine;

namespace {

constexpr std::int32_t kSlots = 5;

Channels channels_of(fuzz::Choices& choices) {
    return {static_cast<std::size_t>(choices.below(kSlots)), choices.below(8) == 7 ? 1 : 0};
}

Conv conv_of(fuzz::Choices& choices, const std::vector<Slot>& slots) {
    Conv conv;
    conv.input = channels_of(choices);
    conv.output = channels_of(choices);
    const Slot &from = slots[conv.input.slot], &to = slots[conv.output.slot];
    conv.inputs = choices.below(9) == 8 ? choices.number() : from.channels - conv.input.first;
    const bool is_square = choices.below(2) == 0;
    const std::int32_t taps = is_square ? 9 : 1 + choices.below(4);
    for (std::int32_t i = 0; i < taps; ++i) {
        conv.taps.push_back(is_square ? Tap{i / 3 - 1, i % 3 - 1}
                                      : Tap{choices.below(5) - 2, choices.below(5) - 2});
    }
    conv.stride = choices.below(4) == 3 ? 2 : 1;
    if (conv.stride == 2) {
        conv.origin_y = choices.below(2);
        conv.origin_x = choices.below(2);
    }
    const auto outputs = static_cast<std::size_t>(to.channels - conv.output.first);
    const std::int32_t spread = 1 + choices.byte();
    for (std::size_t i = 0;
         i < outputs * static_cast<std::size_t>(taps) * static_cast<std::size_t>(from.channels);
         ++i) {
        const std::int32_t weight = (choices.has_ended() ? static_cast<std::int32_t>(i * 37 % 255)
                                                         : std::int32_t{choices.byte()}) -
                                    127;
        conv.weights.push_back(static_cast<std::int16_t>(weight * spread / 16));
    }
    for (std::size_t i = 0; i < outputs; ++i) {
        conv.bias.push_back(choices.number());
        conv.shift.push_back(choices.below(16));
    }
    if (choices.below(3) == 2) conv.slope.assign(outputs, choices.number());
    conv.high = to.max_abs;
    conv.low = choices.below(2) == 0 ? 0 : -to.max_abs;
    if (choices.below(3) == 2) conv.add = channels_of(choices);
    return conv;
}

Layer layer_of(fuzz::Choices& choices, const std::vector<Slot>& slots) {
    const std::int32_t kind = choices.below(8);
    if (kind < 6) return conv_of(choices, slots);
    const Channels input = channels_of(choices), output = channels_of(choices);
    if (kind == 6) return DepthToSpace{input, output, choices.below(9)};
    return SpaceToDepth{input, output, choices.below(9)};
}

void fill(const Map& map, std::int32_t max_abs) {
    for (std::int32_t y = 0; y < map.height; ++y) {
        for (std::int32_t x = 0; x < map.width; ++x) {
            for (std::int32_t c = 0; c < map.channels; ++c) {
                map.at(y, x)[c] = static_cast<std::int16_t>(
                    (y * 7919 + x * 104729 + c * 1299709) % (2 * max_abs + 1) - max_abs);
            }
        }
    }
}

// Some channels of a slot.
struct Written {
    std::size_t slot;
    std::int32_t first, end;
};

std::int32_t width_of(const Conv& conv) { return static_cast<std::int32_t>(conv.bias.size()); }
std::int32_t width_of(const DepthToSpace& layer) { return layer.channels; }
std::int32_t width_of(const SpaceToDepth& layer) { return 4 * layer.channels; }

Written written_by(const Layer& layer) {
    return std::visit(
        [](const auto& one) {
            return Written{one.output.slot, one.output.first, one.output.first + width_of(one)};
        },
        layer);
}

std::vector<std::int16_t> run(const Network& network, Workspace& space, const Written& written,
                              const Kernels& kernels, Team& team) {
    for (std::size_t slot = 0; slot < network.slots().size(); ++slot) {
        if (network.slots()[slot].is_given) fill(space.map(slot), network.slots()[slot].max_abs);
    }
    network.run(0, -77, space, team, kernels);
    const Map& map = space.map(written.slot);
    std::vector<std::int16_t> values;
    for (std::int32_t y = 0; y < map.height; ++y) {
        for (std::int32_t x = 0; x < map.width; ++x) {
            const std::int16_t* const pixel = map.at(y, x);
            values.insert(values.end(), pixel + written.first, pixel + written.end);
        }
    }
    return values;
}

void try_program(const std::vector<Slot>& slots, const std::vector<Layer>& layers, Size size,
                 const Kernels& kernels) {
    static Team alone(1);
    const Network network(slots, {{"all", layers}});
    std::vector<Size> given(slots.size());
    Phase inputs;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (!slots[i].is_given) continue;
        given[i] = size;
        inputs.slots.push_back(i);
    }
    const Written last = written_by(layers.back());
    Workspace own(network), shared(network);
    own.resize(given);
    shared.resize(given, {inputs, {0, {}, {}}, {{}, {last.slot}, {}}}, {});
    Buffer<std::byte> memory(shared.size_bytes());
    shared.bind(memory.data());
    FUZZ_CHECK(run(network, own, last, kScalar, alone) ==
               run(network, shared, last, kernels, alone));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Choices choices(data, size);
    static const std::vector<const Kernels*> all = available_kernels();
    const Kernels& kernels = *choices.one_of(all);
    const Size given{1 + choices.below(12), 1 + choices.below(6)};
    const bool is_wide = choices.below(8) == 7;
    std::vector<Slot> slots;
    for (std::int32_t i = 0; i < kSlots; ++i) {
        const std::int32_t channels = 1 + choices.below(is_wide ? 24 : 6), limit = choices.below(3);
        slots.push_back({"slot " + std::to_string(i), channels,
                         limit == 0 ? 8191 : 1 + choices.below(255) * (limit == 1 ? 1 : 128),
                         i == 0 || choices.below(4) == 3});
    }
    std::vector<Layer> layers;
    for (std::int32_t left = 1 + choices.below(5); left > 0; --left)
        layers.push_back(layer_of(choices, slots));
    try {
        try_program(slots, layers, given, kernels);
    } catch (const BadArgument&) {
    }
    return 0;
}
