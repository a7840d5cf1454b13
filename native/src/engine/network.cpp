#include "engine/network.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "engine/check.hpp"
#include "engine/kernels/select.hpp"
#include "engine/run.hpp"
#include "engine/workspace.hpp"
#include "platform/error.hpp"

namespace streamcodec::engine {

namespace {

constexpr std::int32_t kMaxSide = 65536;  // of every slot

std::string text(Size size) {
    return std::to_string(size.height) + "x" + std::to_string(size.width);
}

void widen(Border& border, const Border& other) {
    border.top = std::max(border.top, other.top);
    border.left = std::max(border.left, other.left);
    border.bottom = std::max(border.bottom, other.bottom);
    border.right = std::max(border.right, other.right);
}

Border reach_of(const Conv& conv) {
    Border border;
    for (const Tap& tap : conv.taps) widen(border, {-tap.dy, -tap.dx, tap.dy, tap.dx});
    // Loops that make two rows and columns at a time look one further where the size is odd.
    return {border.top, border.left, border.bottom + 1, border.right + 1};
}
Border reach_of(const DepthToSpace&) { return {}; }
Border reach_of(const SpaceToDepth&) { return {0, 0, 1, 1}; }

std::int32_t strided(std::int32_t side, std::int32_t origin, std::int32_t stride) {
    return std::max(0, (side - origin + stride - 1) / stride);
}

Size output_size(const Conv& conv, Size input) {
    return {strided(input.height, conv.origin_y, conv.stride),
            strided(input.width, conv.origin_x, conv.stride)};
}
Size output_size(const DepthToSpace&, Size input) { return {2 * input.height, 2 * input.width}; }
Size output_size(const SpaceToDepth&, Size input) {
    return {(input.height + 1) / 2, (input.width + 1) / 2};
}

// The sizes of a network's slots, as its layers come.
class Sizing {
  public:
    Sizing(const std::vector<Slot>& slots, std::vector<Size> given)
        : slots_(slots), sizes_(std::move(given)) {}

    template <typename OneLayer>
    void pass(const OneLayer& layer, const std::string& where) {
        const Size wanted = output_size(layer, sizes_[layer.input.slot]);
        const std::size_t slot = layer.output.slot;
        Size& size = sizes_[slot];
        if (!slots_[slot].is_given && !known_.count(slot)) size = wanted;
        known_.insert(slot);
        if (wanted.height > kMaxSide || wanted.width > kMaxSide) {
            throw BadArgument(where + ": makes " + text(wanted) + "; accepted: sides up to " +
                              std::to_string(kMaxSide));
        }
        const bool crops = std::is_same_v<OneLayer, DepthToSpace>;
        const bool fits = size.height == wanted.height && size.width == wanted.width;
        if (!fits && !(crops && size.height <= wanted.height && size.width <= wanted.width)) {
            throw BadArgument(where + ": makes " + text(wanted) + " of slot '" + slots_[slot].name +
                              "', which is " + text(size));
        }
        if constexpr (std::is_same_v<OneLayer, Conv>) check_add(layer, wanted, where);
    }

    std::vector<Size> take() { return std::move(sizes_); }

  private:
    void check_add(const Conv& conv, Size wanted, const std::string& where) const {
        if (!conv.add) return;
        const Size size = sizes_[conv.add->slot];
        if (size.height == wanted.height && size.width == wanted.width) return;
        throw BadArgument(where + ": adds slot '" + slots_[conv.add->slot].name + "', which is " +
                          text(size) + ", to " + text(wanted));
    }

    const std::vector<Slot>& slots_;
    std::vector<Size> sizes_;
    std::set<std::size_t> known_;
};

template <typename Named>
std::size_t place_named(const std::vector<Named>& all, const std::string& name, const char* what) {
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].name == name) return i;
    }
    throw BadArgument("no " + (what + (" is called '" + name)) + "'");
}

}  // namespace

Network::Network(std::vector<Slot> slots, std::vector<Stage> stages)
    : slots_(std::move(slots)), stages_(std::move(stages)), borders_(slots_.size()) {
    check_slots(slots_);
    check_stages(slots_, stages_);
    for (const Stage& stage : stages_) {
        for (const Layer& layer : stage.layers) {
            std::visit([&](const auto& one) { widen(borders_[one.input.slot], reach_of(one)); },
                       layer);
        }
    }
}

Network::~Network() = default;

const std::vector<PackedConv>& Network::packed(std::size_t stage, const Kernels& kernels) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::vector<PackedConv>>& stages = packed_[&kernels];
    if (stages.empty()) {
        for (const Stage& each : stages_) {
            std::vector<PackedConv>& layers = stages.emplace_back();
            for (const Layer& layer : each.layers) {
                const auto* conv = std::get_if<Conv>(&layer);
                layers.push_back(conv == nullptr
                                     ? PackedConv{}
                                     : pack(*conv, slots_[conv->input.slot].max_abs, kernels));
            }
        }
    }
    return stages[stage];
}

void Network::run(std::size_t stage, std::int32_t condition, Workspace& workspace, Team& team,
                  const Kernels& kernels) const {
    if (stage >= stages_.size()) {
        throw BadArgument("stage " + std::to_string(stage) + "; there are " +
                          std::to_string(stages_.size()));
    }
    if (std::abs(std::int64_t{condition}) > kMaxCondition) {
        throw BadArgument("condition is " + std::to_string(condition) + "; accepted: within +-" +
                          std::to_string(kMaxCondition));
    }
    if (&workspace.network() != this || !workspace.is_ready_for(stage)) {
        throw BadArgument(
            "the workspace is another network's or has no sizes or no memory for stage '" +
            stages_[stage].name + "'; accepted: one of this, resized");
    }
    workspace.clear_borders(stage);
    workspace.stage_run(stage, kernels, packed(stage, kernels), team.size()).run(condition, team);
}

void Network::run(std::size_t stage, std::int32_t condition, Workspace& workspace, Team& team,
                  InstructionSet set) const {
    run(stage, condition, workspace, team, kernels_for(set));
}

std::size_t Network::slot_named(const std::string& name) const {
    return place_named(slots_, name, "slot");
}
std::size_t Network::stage_named(const std::string& name) const {
    return place_named(stages_, name, "stage");
}

std::vector<Size> Network::sizes(const std::vector<Size>& given) const {
    if (given.size() != slots_.size()) {
        throw BadArgument(std::to_string(given.size()) + " sizes; accepted: " +
                          std::to_string(slots_.size()) + ", one for each slot");
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        const std::int32_t least = slots_[i].is_given ? 1 : 0,
                           most = slots_[i].is_given ? kMaxSide : 0;
        const auto accepts = [&](std::int32_t side) { return side >= least && side <= most; };
        if (accepts(given[i].height) && accepts(given[i].width)) continue;
        throw BadArgument("slot '" + slots_[i].name + "' is given the size " + text(given[i]) +
                          "; accepted: " + std::to_string(least) + " .. " + std::to_string(most) +
                          " each");
    }
    Sizing sizing(slots_, given);
    for (const Stage& stage : stages_) {
        for (std::size_t i = 0; i < stage.layers.size(); ++i) {
            std::visit([&](const auto& layer) { sizing.pass(layer, place_of(stage, i)); },
                       stage.layers[i]);
        }
    }
    return sizing.take();
}

std::uint64_t Network::multiplications(std::size_t stage, const std::vector<Size>& sizes) const {
    std::uint64_t sum = 0;
    for (const Layer& layer : stages_.at(stage).layers) {
        const auto* conv = std::get_if<Conv>(&layer);
        if (conv == nullptr) continue;
        const Size size = sizes.at(conv->output.slot);
        sum += conv->weights.size() * static_cast<std::uint64_t>(size.height) *
               static_cast<std::uint64_t>(size.width);
    }
    return sum;
}

}  // namespace streamcodec::engine
