#include "engine/check.hpp"

#include <cstdlib>
#include <limits>
#include <set>

#include "platform/error.hpp"

namespace streamcodec::engine {

namespace {

constexpr std::int64_t kMostOfInt32 = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMaxTaps = 1024;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
    throw BadArgument(where + ": " + what);
}

std::string range(std::int64_t low, std::int64_t high) {
    return "; accepted: " + std::to_string(low) + " .. " + std::to_string(high);
}

void check_in(std::int64_t value, std::int64_t low, std::int64_t high, const std::string& where,
              const char* name) {
    if (value < low || value > high)
        refuse(where, name + (" is " + std::to_string(value)) + range(low, high));
}

// Which layer writes which channel.
class Writers {
  public:
    Writers(const std::vector<Slot>& slots, const std::vector<Stage>& stages);

    void check_read(Channels channels, std::int32_t count, const std::string& where,
                    const char* name) const;
    void write(Channels channels, std::int32_t count, const std::string& where);
    void start_stage() { in_stage_.clear(); }

  private:
    void check_channels(Channels channels, std::int32_t count, const std::string& where,
                        const char* name) const;

    const std::vector<Slot>& slots_;
    std::vector<std::vector<char>> ready_;
    std::set<std::pair<std::size_t, std::int32_t>> in_stage_;
};

std::int64_t width_of(const Conv& conv) { return static_cast<std::int64_t>(conv.bias.size()); }
std::int64_t width_of(const DepthToSpace& layer) { return layer.channels; }
std::int64_t width_of(const SpaceToDepth& layer) { return layer.channels; }

std::pair<Channels, std::int32_t> written_by(const Layer& layer) {
    if (const auto* conv = std::get_if<Conv>(&layer)) {
        return {conv->output, static_cast<std::int32_t>(conv->bias.size())};
    }
    if (const auto* spread = std::get_if<DepthToSpace>(&layer))
        return {spread->output, spread->channels};
    const auto& gather = std::get<SpaceToDepth>(layer);
    return {gather.output, 4 * gather.channels};
}

Writers::Writers(const std::vector<Slot>& slots, const std::vector<Stage>& stages) : slots_(slots) {
    for (const Slot& slot : slots)
        ready_.emplace_back(static_cast<std::size_t>(slot.channels), slot.is_given);
    for (const Stage& stage : stages) {
        for (std::size_t i = 0; i < stage.layers.size(); ++i) {
            const std::int64_t width =
                std::visit([](const auto& layer) { return width_of(layer); }, stage.layers[i]);
            check_in(width, 1, kMaxChannels, place_of(stage, i), "the number of channels");
            const auto [channels, count] = written_by(stage.layers[i]);
            check_channels(channels, count, place_of(stage, i), "output");
            for (std::int32_t c = 0; c < count; ++c) {
                ready_[channels.slot][static_cast<std::size_t>(channels.first + c)] = false;
            }
        }
    }
}

void Writers::check_channels(Channels channels, std::int32_t count, const std::string& where,
                             const char* name) const {
    if (channels.slot >= slots_.size()) {
        refuse(where, name + (" is slot " + std::to_string(channels.slot)) + "; there are " +
                          std::to_string(slots_.size()) + " slots");
    }
    const Slot& slot = slots_[channels.slot];
    if (count < 1 || count > kMaxChannels || channels.first < 0 ||
        channels.first > slot.channels - count) {
        refuse(where, name + (" is " + std::to_string(count)) + " channels from " +
                          std::to_string(channels.first) + " on of slot '" + slot.name +
                          "', which has " + std::to_string(slot.channels));
    }
}

void Writers::check_read(Channels channels, std::int32_t count, const std::string& where,
                         const char* name) const {
    check_channels(channels, count, where, name);
    for (std::int32_t c = channels.first; c < channels.first + count; ++c) {
        if (ready_[channels.slot][static_cast<std::size_t>(c)]) continue;
        refuse(where, name + (" reads channel " + std::to_string(c)) + " of slot '" +
                          slots_[channels.slot].name + "', which is not written before");
    }
}

void Writers::write(Channels channels, std::int32_t count, const std::string& where) {
    for (std::int32_t c = channels.first; c < channels.first + count; ++c) {
        ready_[channels.slot][static_cast<std::size_t>(c)] = true;
        if (in_stage_.insert({channels.slot, c}).second) continue;
        refuse(where, "writes channel " + std::to_string(c) + " of slot '" +
                          slots_[channels.slot].name + "' for the second time in this stage");
    }
}

void check_numbers(const Conv& conv, const std::string& where) {
    check_in(static_cast<std::int64_t>(conv.taps.size()), 1, kMaxTaps, where, "the number of taps");
    check_in(conv.stride, 1, 2, where, "stride");
    check_in(conv.origin_y, 0, conv.stride - 1, where, "origin_y");
    check_in(conv.origin_x, 0, conv.stride - 1, where, "origin_x");
    for (const Tap& tap : conv.taps) {
        check_in(tap.dy, -kMaxReach, kMaxReach, where, "dy of a tap");
        check_in(tap.dx, -kMaxReach, kMaxReach, where, "dx of a tap");
    }
    for (const std::int32_t shift : conv.shift) check_in(shift, 0, kMaxShift, where, "a shift");
    if (!conv.slope.empty() && conv.slope.size() != conv.bias.size()) {
        refuse(where, std::to_string(conv.slope.size()) + " slopes; accepted: none or " +
                          std::to_string(conv.bias.size()) + ", one for each output");
    }
    const std::size_t weights =
        conv.bias.size() * conv.taps.size() * static_cast<std::size_t>(conv.inputs);
    if (conv.weights.size() != weights || conv.shift.size() != conv.bias.size()) {
        refuse(where, std::to_string(conv.weights.size()) + " weights and " +
                          std::to_string(conv.shift.size()) + " shifts; accepted: " +
                          std::to_string(weights) + " and " + std::to_string(conv.bias.size()) +
                          ", for " + std::to_string(conv.bias.size()) + " outputs, " +
                          std::to_string(conv.taps.size()) + " taps and " +
                          std::to_string(conv.inputs) + " inputs");
    }
}

void check_sums(const Conv& conv, const std::vector<Slot>& slots, const std::string& where) {
    const std::int64_t added = conv.add ? slots[conv.add->slot].max_abs : 0;
    for (std::size_t output = 0; output < conv.bias.size(); ++output) {
        const std::int64_t largest = largest_sum(conv, output, slots[conv.input.slot].max_abs);
        if (largest > kMostOfInt32 || (largest >> conv.shift[output]) + added > kMostOfInt32) {
            refuse(where, "the sum of output " + std::to_string(output) + " can come to " +
                              std::to_string(largest) +
                              "; accepted: below 2^31, with what is added; make its weights or the "
                              "input's max_abs smaller");
        }
    }
}

void check_layer(const Conv& conv, const std::vector<Slot>& slots, const Writers& writers,
                 const std::string& where) {
    const auto outputs = static_cast<std::int32_t>(conv.bias.size());
    writers.check_read(conv.input, conv.inputs, where, "input");
    if (conv.add) writers.check_read(*conv.add, outputs, where, "add");
    check_numbers(conv, where);
    const Slot& output = slots[conv.output.slot];
    check_in(conv.low, -output.max_abs, output.max_abs, where, "low");
    check_in(conv.high, conv.low, output.max_abs, where, "high");
    check_sums(conv, slots, where);
    if (conv.input.slot == conv.output.slot || (conv.add && conv.add->slot == conv.output.slot)) {
        refuse(where, "reads and writes slot '" + output.name + "'; accepted: two slots");
    }
}

template <typename Shuffle>
void check_layer(const Shuffle& layer, const std::vector<Slot>& slots, const Writers& writers,
                 const std::string& where) {
    constexpr std::int32_t kInputs = std::is_same_v<Shuffle, DepthToSpace> ? 4 : 1;
    writers.check_read(layer.input, kInputs * layer.channels, where, "input");
    const Slot &input = slots[layer.input.slot], &output = slots[layer.output.slot];
    if (&input == &output)
        refuse(where, "reads and writes slot '" + output.name + "'; accepted: two slots");
    check_in(input.max_abs, 1, output.max_abs, where, "the input's max_abs");
}

}  // namespace

std::string place_of(const Stage& stage, std::size_t layer) {
    return "stage '" + stage.name + "', layer " + std::to_string(layer);
}

std::int64_t largest_sum(const Conv& conv, std::size_t output, std::int32_t max_abs) {
    const std::size_t count = conv.taps.size() * static_cast<std::size_t>(conv.inputs);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i)
        sum += std::abs(std::int32_t{conv.weights[output * count + i]});
    const std::int64_t slope = conv.slope.empty() ? 0 : conv.slope[output];
    return sum * max_abs + std::abs(std::int64_t{conv.bias[output]}) +
           kMaxCondition * std::abs(slope);
}

void check_slots(const std::vector<Slot>& slots) {
    std::set<std::string> names;
    for (const Slot& slot : slots) {
        const std::string where = "slot '" + slot.name + "'";
        check_in(slot.channels, 1, kMaxChannels, where, "channels");
        check_in(slot.max_abs, 1, 32767, where, "max_abs");
        if (slot.name.empty() || !names.insert(slot.name).second)
            refuse(where, "its name is empty or not the only one");
    }
}

void check_stages(const std::vector<Slot>& slots, const std::vector<Stage>& stages) {
    std::set<std::string> names;
    Writers writers(slots, stages);
    for (const Stage& stage : stages) {
        if (stage.name.empty() || !names.insert(stage.name).second) {
            refuse("stage '" + stage.name + "'", "its name is empty or not the only one");
        }
        writers.start_stage();
        for (std::size_t i = 0; i < stage.layers.size(); ++i) {
            const std::string where = place_of(stage, i);
            std::visit([&](const auto& layer) { check_layer(layer, slots, writers, where); },
                       stage.layers[i]);
            const auto [channels, count] = written_by(stage.layers[i]);
            writers.write(channels, count, where);
        }
    }
}

}  // namespace streamcodec::engine
