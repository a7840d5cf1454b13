#include "engine/arrange.hpp"

#include <algorithm>
#include <numeric>

#include "engine/check.hpp"
#include "platform/error.hpp"

namespace streamcodec::engine {

namespace {

// Rows y + first .. y + last.
struct Rows {
    std::int32_t first = 0, last = 0;
};

// A slot that a layer reads for its row y. rows: none where rows do not correspond one to one, or
// where row y itself need not be among them.
struct Read {
    std::size_t slot;
    std::optional<Rows> rows;
    bool is_added;  // element by element
};

std::vector<Read> reads(const Conv& conv) {
    std::vector<Read> all;
    const auto [low, high] = std::minmax_element(
        conv.taps.begin(), conv.taps.end(), [](const Tap& a, const Tap& b) { return a.dy < b.dy; });
    const bool is_plain = conv.stride == 1 && low->dy <= 0 && high->dy >= 0;
    all.push_back({conv.input.slot,
                   is_plain ? std::optional<Rows>({low->dy, high->dy}) : std::nullopt, false});
    if (conv.add) all.push_back({conv.add->slot, Rows{0, 0}, true});
    return all;
}
std::vector<Read> reads(const DepthToSpace& layer) {
    return {{layer.input.slot, std::nullopt, false}};
}
std::vector<Read> reads(const SpaceToDepth& layer) {
    return {{layer.input.slot, std::nullopt, false}};
}

std::vector<Read> reads_of(const Layer& layer) {
    return std::visit([](const auto& one) { return reads(one); }, layer);
}

std::size_t output_of(const Layer& layer) {
    return std::visit([](const auto& one) { return one.output.slot; }, layer);
}

void touch(std::optional<Lifetime>& lifetime, std::size_t phase) {
    if (!lifetime) lifetime = Lifetime{phase, phase};
    lifetime->last = phase;
}

// One stage, for the question which slots may follow which.
class Succession {
  public:
    Succession(const Network& network, const Stage& stage, const std::vector<Size>& sizes)
        : network_(network), layers_(stage.layers), sizes_(sizes) {}

    // Whether a layer's output may lie where `old` lay.
    bool may_follow(std::size_t layer, std::size_t old) const {
        const auto* conv = std::get_if<Conv>(&layers_[layer]);
        if (conv == nullptr || conv->output.slot == old) return false;
        const Slot &before = network_.slots()[old], &after = network_.slots()[conv->output.slot];
        const Size a = sizes_[old], b = sizes_[conv->output.slot];
        if (before.channels != after.channels || a.height != b.height || a.width != b.width)
            return false;
        const std::vector<std::optional<Rows>> needed = needed_for(layer);
        bool is_read = false;
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            if (output_of(layers_[i]) == old && !needed[i]) return false;
            for (const Read& read : reads_of(layers_[i])) {
                if (read.slot != old) continue;
                if (i == layer ? !adds_in_place(*conv, read) : !covers(needed[i], read))
                    return false;
                is_read = true;
            }
        }
        return is_read;
    }

  private:
    // For row y of the layer: which rows of the layers before it must be made.
    std::vector<std::optional<Rows>> needed_for(std::size_t layer) const {
        std::vector<std::optional<Rows>> needed(layers_.size());
        needed[layer] = Rows{0, 0};
        for (std::size_t i = layer + 1; i-- > 0;) {
            if (!needed[i]) continue;
            for (const Read& read : reads_of(layers_[i])) {
                if (!read.rows) continue;
                for (std::size_t maker = 0; maker < i; ++maker) {
                    if (output_of(layers_[maker]) == read.slot)
                        widen(needed[maker], {needed[i]->first + read.rows->first,
                                              needed[i]->last + read.rows->last});
                }
            }
        }
        return needed;
    }

    static void widen(std::optional<Rows>& rows, Rows others) {
        if (!rows) rows = others;  // all hold row y, so that two of them have no gap between them
        rows = Rows{std::min(rows->first, others.first), std::max(rows->last, others.last)};
    }

    static bool adds_in_place(const Conv& conv, const Read& read) {
        return read.is_added && conv.add->first == conv.output.first;
    }

    // Whether all that is made of a row is among the rows that are needed.
    static bool covers(const std::optional<Rows>& needed, const Read& read) {
        return needed && read.rows && needed->first <= -read.rows->last &&
               needed->last >= -read.rows->first;
    }

    const Network& network_;
    const std::vector<Layer>& layers_;
    const std::vector<Size>& sizes_;
};

std::vector<std::size_t> writers_of(const Network& network) {
    std::vector<std::size_t> count(network.slots().size());
    for (const Stage& stage : network.stages()) {
        for (const Layer& layer : stage.layers) ++count[output_of(layer)];
    }
    return count;
}

}  // namespace

std::vector<std::optional<Lifetime>> lifetimes(const Network& network, const Schedule& schedule) {
    std::vector<std::optional<Lifetime>> all(network.slots().size());
    for (std::size_t i = 0; i < schedule.size(); ++i) {
        for (const std::size_t slot : schedule[i].slots) touch(all[slot], i);
        if (!schedule[i].stage) continue;
        const Stage& stage = network.stages()[*schedule[i].stage];
        for (std::size_t layer = 0; layer < stage.layers.size(); ++layer) {
            for (const Read& read : reads_of(stage.layers[layer])) {
                if (!all[read.slot]) {
                    throw BadArgument(place_of(stage, layer) + ": reads slot '" +
                                      network.slots()[read.slot].name +
                                      "', which nobody writes before");
                }
                touch(all[read.slot], i);
            }
            touch(all[output_of(stage.layers[layer])], i);
        }
    }
    return all;
}

std::vector<std::size_t> homes(const Network& network, const Schedule& schedule,
                               const std::vector<Size>& sizes) {
    const std::vector<std::optional<Lifetime>> lives = lifetimes(network, schedule);
    const std::vector<std::size_t> writers = writers_of(network);
    std::vector<std::size_t> found(network.slots().size());
    std::iota(found.begin(), found.end(), 0);
    std::vector<bool> is_followed(found.size());
    for (std::size_t phase = 0; phase < schedule.size(); ++phase) {
        if (!schedule[phase].stage) continue;
        const Stage& stage = network.stages()[*schedule[phase].stage];
        const Succession succession(network, stage, sizes);
        for (std::size_t layer = 0; layer < stage.layers.size(); ++layer) {
            const std::size_t own = output_of(stage.layers[layer]);
            if (network.slots()[own].is_given || writers[own] != 1 || lives[own]->first != phase)
                continue;
            for (std::size_t old = 0; old < found.size(); ++old) {
                if (is_followed[old] || !lives[old] || lives[old]->last != phase) continue;
                if (!succession.may_follow(layer, old)) continue;
                found[own] = found[old];
                is_followed[old] = true;
                break;
            }
        }
    }
    return found;
}

std::size_t place(std::vector<Region>& regions) {
    constexpr std::size_t kAlign = 64;
    std::vector<Region*> order;
    for (Region& region : regions) order.push_back(&region);
    std::stable_sort(order.begin(), order.end(),
                     [](auto* a, auto* b) { return a->size_bytes > b->size_bytes; });
    std::size_t end = 0;
    std::vector<const Region*> placed;  // by offset
    for (Region* const region : order) {
        region->offset = 0;
        for (const Region* const other : placed) {
            const bool meets = other->lifetime.first <= region->lifetime.last &&
                               region->lifetime.first <= other->lifetime.last;
            if (!meets || other->offset + other->size_bytes <= region->offset) continue;
            if (region->offset + region->size_bytes <= other->offset) break;
            region->offset = (other->offset + other->size_bytes + kAlign - 1) / kAlign * kAlign;
        }
        const auto at = std::upper_bound(
            placed.begin(), placed.end(), region,
            [](const Region* a, const Region* b) { return a->offset < b->offset; });
        placed.insert(at, region);
        end = std::max(end, region->offset + region->size_bytes);
    }
    return end;
}

}  // namespace streamcodec::engine
