#include "engine/plan.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace streamcodec::engine {

namespace {

// Elements of the rows that a step makes of the largest layer: a few times as many should fit into
// a core's second cache.
constexpr std::int64_t kStepElements = 48 * 1024;

struct Rows {
    std::int32_t first = 0, end = 0;
};

// Rows of an input that some rows of the output are made of.
struct Reading {
    std::size_t slot;
    Rows rows;
};

std::vector<Reading> readings(const Conv& conv, Rows rows) {
    const auto [least, most] = std::minmax_element(
        conv.taps.begin(), conv.taps.end(), [](const Tap& a, const Tap& b) { return a.dy < b.dy; });
    std::vector<Reading> all{{conv.input.slot,
                              {conv.stride * rows.first + conv.origin_y + least->dy,
                               conv.stride * (rows.end - 1) + conv.origin_y + most->dy + 1}}};
    if (conv.add) all.push_back({conv.add->slot, rows});
    return all;
}

std::vector<Reading> readings(const DepthToSpace& layer, Rows rows) {
    return {{layer.input.slot, {rows.first / 2, (rows.end + 1) / 2}}};
}

std::vector<Reading> readings(const SpaceToDepth& layer, Rows rows) {
    return {{layer.input.slot, {2 * rows.first, 2 * rows.end}}};
}

std::size_t output_of(const Layer& layer) {
    return std::visit([](const auto& one) { return one.output.slot; }, layer);
}

// Which rows of each slot are there, as far as the stage makes them.
class Present {
  public:
    explicit Present(const std::vector<Size>& sizes) : sizes_(sizes) {}

    bool holds(const Reading& reading) const {
        const auto found = rows_.find(reading.slot);
        if (found == rows_.end()) return true;  // made before the stage
        const Rows wanted{std::max(0, reading.rows.first),
                          std::min(sizes_[reading.slot].height, reading.rows.end)};
        return wanted.first >= wanted.end ||
               (found->second.first <= wanted.first && wanted.end <= found->second.end);
    }

    bool suffices(const Layer& layer, Rows rows) const {
        const auto all = std::visit([&](const auto& one) { return readings(one, rows); }, layer);
        return std::all_of(all.begin(), all.end(), [&](const Reading& r) { return holds(r); });
    }

    // Of a slot that several layers write, the rows that all of them made.
    void made(std::size_t slot, Rows rows) {
        const auto [at, is_new] = rows_.insert({slot, rows});
        if (is_new) return;
        at->second = {std::max(at->second.first, rows.first), std::min(at->second.end, rows.end)};
    }

  private:
    const std::vector<Size>& sizes_;
    std::map<std::size_t, Rows> rows_;
};

class Planner {
  public:
    Planner(const Stage& stage, const std::vector<Size>& sizes)
        : layers_(stage.layers), sizes_(sizes) {}

    std::int32_t height(std::size_t layer) const {
        return sizes_[output_of(layers_[layer])].height;
    }

    // Where the part'th of `parts` begins; layers that make two rows at a time want even numbers.
    std::int32_t start(std::size_t layer, std::size_t part, std::size_t parts) const {
        if (part == parts) return height(layer);
        return static_cast<std::int32_t>(std::int64_t{height(layer)} *
                                         static_cast<std::int64_t>(part) /
                                         static_cast<std::int64_t>(parts)) /
               2 * 2;
    }

    // Rows of each layer for which the strip's own rows suffice.
    std::vector<Rows> part(std::size_t part, std::size_t parts) const {
        std::vector<Rows> rows(layers_.size());
        Present present(sizes_);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            Rows& own = rows[i];
            own = {start(i, part, parts), start(i, part + 1, parts)};
            while (part > 0 && own.first < own.end &&
                   !present.suffices(layers_[i], {own.first, own.first + 1})) {
                own.first = std::min(own.first + 2, own.end);
            }
            shorten(i, own, present);
            present.made(output_of(layers_[i]), own);
        }
        return rows;
    }

    // Whether the rows between two strips can be made of theirs and of each other.
    bool bridges(const std::vector<Rows>& above, const std::vector<Rows>& below) const {
        Present present(sizes_);
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            const Rows gap{above[i].end, below[i].first};
            if (gap.first < gap.end && !present.suffices(layers_[i], gap)) return false;
            present.made(output_of(layers_[i]), {above[i].first, below[i].end});
        }
        return true;
    }

    std::size_t steps_of_height() const {
        std::int64_t most = 1;
        for (std::size_t i = 0; i < layers_.size(); ++i) {
            const std::int64_t channels =
                std::holds_alternative<Conv>(layers_[i])
                    ? static_cast<std::int64_t>(std::get<Conv>(layers_[i]).bias.size())
                    : 32;
            most = std::max(most, channels * height(i) * sizes_[output_of(layers_[i])].width);
        }
        return static_cast<std::size_t>((most + kStepElements - 1) / kStepElements);
    }

    // A strip's rows, a few at a time through all layers.
    std::vector<Step> stream(const std::vector<Rows>& strip, std::size_t steps) const {
        std::vector<Step> all;
        std::vector<Rows> done = strip;
        for (Rows& rows : done) rows.end = rows.first;
        for (std::size_t step = 1; step <= steps; ++step) {
            std::vector<Rows> now = strip;
            for (std::size_t i = 0; i < now.size(); ++i) {
                if (step == steps) break;
                const std::int64_t rows = strip[i].end - strip[i].first;
                const std::int64_t share =
                    rows * static_cast<std::int64_t>(step) / static_cast<std::int64_t>(steps);
                now[i].end = strip[i].first + static_cast<std::int32_t>(share) / 2 * 2;
            }
            Present present(sizes_);
            for (std::size_t i = 0; i < now.size(); ++i) {
                shorten(i, now[i], present);
                present.made(output_of(layers_[i]), now[i]);
                if (now[i].end <= done[i].end) continue;
                all.push_back({i, done[i].end, now[i].end});
                done[i].end = now[i].end;
            }
        }
        return all;
    }

  private:
    // Takes rows from the end until what is present suffices.
    void shorten(std::size_t layer, Rows& rows, const Present& present) const {
        while (rows.first < rows.end && !present.suffices(layers_[layer], rows)) {
            rows.end = std::max(rows.first, (rows.end - 1) / 2 * 2);
        }
    }

    const std::vector<Layer>& layers_;
    const std::vector<Size>& sizes_;
};

}  // namespace

Plan plan_of(const Stage& stage, const std::vector<Size>& sizes, std::size_t wanted) {
    const Planner planner(stage, sizes);
    std::vector<std::vector<Rows>> parts;
    for (std::size_t count = std::max<std::size_t>(wanted, 1); parts.empty(); --count) {
        for (std::size_t i = 0; i < count; ++i) {
            parts.push_back(planner.part(i, count));
            if (i == 0 || planner.bridges(parts[i - 1], parts[i])) continue;
            parts.clear();
            break;
        }
    }
    Plan plan;
    const std::size_t steps = (planner.steps_of_height() + parts.size() - 1) / parts.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        plan.strips.push_back(planner.stream(parts[i], steps));
        if (i == 0) continue;
        std::vector<Step>& gap = plan.gaps.emplace_back();
        for (std::size_t layer = 0; layer < stage.layers.size(); ++layer) {
            const Step step{layer, parts[i - 1][layer].end, parts[i][layer].first};
            if (step.first < step.end) gap.push_back(step);
        }
    }
    return plan;
}

}  // namespace streamcodec::engine
