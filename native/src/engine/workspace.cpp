#include "engine/workspace.hpp"

#include <algorithm>

#include "engine/run.hpp"

namespace streamcodec::engine {

namespace {

constexpr std::ptrdiff_t kPixelAlign = 8;  // elements
constexpr std::size_t kSlack = 64;         // elements beyond the last pixel that loops may read

std::ptrdiff_t rounded_up(std::ptrdiff_t a) {
    return (a + kPixelAlign - 1) / kPixelAlign * kPixelAlign;
}

bool are_equal(const std::vector<Size>& a, const std::vector<Size>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](Size x, Size y) { return x.height == y.height && x.width == y.width; });
}

Border wider(const Border& a, const Border& b) {
    return {std::max(a.top, b.top), std::max(a.left, b.left), std::max(a.bottom, b.bottom),
            std::max(a.right, b.right)};
}

Lifetime longer(const Lifetime& a, const Lifetime& b) {
    return {std::min(a.first, b.first), std::max(a.last, b.last)};
}

// From the first to the last phase that names an array.
Lifetime lifetime_of_array(const Schedule& schedule, std::size_t array) {
    std::optional<Lifetime> found;
    for (std::size_t i = 0; i < schedule.size(); ++i) {
        const std::vector<std::size_t>& named = schedule[i].arrays;
        if (std::find(named.begin(), named.end(), array) == named.end()) continue;
        found = found ? Lifetime{found->first, i} : Lifetime{i, i};
    }
    return found.value_or(Lifetime{});
}

}  // namespace

Workspace::Workspace(const Network& network) : network_(&network) {}

Workspace::~Workspace() = default;

StageRun& Workspace::stage_run(std::size_t stage, const Kernels& kernels,
                               const std::vector<PackedConv>& numbers, std::size_t members) {
    std::unique_ptr<StageRun>& run = runs_[{stage, &kernels}];
    if (run == nullptr || run->members() != members) {
        run =
            std::make_unique<StageRun>(network_->stages()[stage], numbers, kernels, *this, members);
    }
    return *run;
}

bool Workspace::is_ready_for(std::size_t stage) const {
    if (!has_sizes()) return false;
    if (schedule_.empty()) return true;
    const auto runs_it = [stage](const Phase& phase) { return phase.stage == stage; };
    return is_bound_ && std::any_of(schedule_.begin(), schedule_.end(), runs_it);
}

void Workspace::resize(const std::vector<Size>& given) {
    if (has_sizes() && schedule_.empty() && are_equal(given, given_)) return;
    shape(given);
    for (std::size_t i = 0; i < maps_.size(); ++i) {
        buffers_.emplace_back(elements(i));
        maps_[i].data = buffers_.back().data() + borders_[i].top * maps_[i].row +
                        borders_[i].left * maps_[i].pixel;
    }
    given_ = given;
}

void Workspace::resize(const std::vector<Size>& given, const Schedule& schedule,
                       const std::vector<std::size_t>& arrays) {
    const std::vector<std::optional<Lifetime>> lives = lifetimes(*network_, schedule);
    shape(given);
    const std::vector<std::size_t> home = homes(*network_, schedule, sizes_);
    std::vector<std::optional<Lifetime>> shared(home.size());
    for (std::size_t i = 0; i < home.size(); ++i) {
        if (!lives[i]) continue;
        std::optional<Lifetime>& whole = shared[home[i]];
        whole = whole ? longer(*whole, *lives[i]) : *lives[i];
        borders_[home[i]] = wider(borders_[home[i]], borders_[i]);
    }
    std::vector<Region> regions;
    for (std::size_t i = 0; i < home.size(); ++i) {
        borders_[i] = borders_[home[i]];
        maps_[i].row = maps_[i].pixel *
                       (borders_[i].left + std::ptrdiff_t{maps_[i].width} + borders_[i].right);
        const bool is_needed = home[i] == i && shared[i];
        regions.push_back({is_needed ? elements(i) * sizeof(std::int16_t) : 0,
                           shared[i].value_or(Lifetime{}), 0});
    }
    for (std::size_t i = 0; i < arrays.size(); ++i)
        regions.push_back({arrays[i], lifetime_of_array(schedule, i), 0});
    size_bytes_ = place(regions);
    for (std::size_t i = 0; i < home.size(); ++i) {
        offsets_.push_back(lives[i] ? std::optional<std::size_t>(regions[home[i]].offset)
                                    : std::nullopt);
    }
    for (std::size_t i = home.size(); i < regions.size(); ++i)
        array_offsets_.push_back(regions[i].offset);
    schedule_ = schedule;
    given_ = given;
}

// Maps without data, of the slots alone.
void Workspace::shape(const std::vector<Size>& given) {
    std::vector<Size> sizes = network_->sizes(given);
    runs_.clear();
    maps_.clear();
    buffers_.clear();
    schedule_.clear();
    offsets_.clear();
    array_offsets_.clear();
    arrays_.clear();
    size_bytes_ = 0;
    is_bound_ = false;
    borders_ = network_->borders();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        Map map;
        map.channels = network_->slots()[i].channels;
        map.height = sizes[i].height;
        map.width = sizes[i].width;
        map.pixel = rounded_up(map.channels);
        map.row = map.pixel * (borders_[i].left + std::ptrdiff_t{map.width} + borders_[i].right);
        maps_.push_back(map);
    }
    sizes_ = std::move(sizes);
}

std::size_t Workspace::elements(std::size_t slot) const {
    const Map& map = maps_[slot];
    const std::ptrdiff_t rows =
        borders_[slot].top + std::ptrdiff_t{map.height} + borders_[slot].bottom;
    return static_cast<std::size_t>(map.row * rows) + kSlack;
}

void Workspace::bind(std::byte* memory) {
    for (std::size_t i = 0; i < maps_.size(); ++i) {
        if (!offsets_[i]) continue;
        maps_[i].data = reinterpret_cast<std::int16_t*>(memory + *offsets_[i]) +
                        borders_[i].top * maps_[i].row + borders_[i].left * maps_[i].pixel;
    }
    arrays_.clear();
    for (const std::size_t offset : array_offsets_) arrays_.push_back(memory + offset);
    is_bound_ = true;
}

void Workspace::clear(std::size_t slot) {
    const Map& map = maps_[slot];
    for (std::int32_t y = 0; y < map.height; ++y)
        std::fill_n(map.at(y, 0), map.width * map.pixel, std::int16_t{0});
}

void Workspace::clear_borders(std::size_t stage) {
    if (schedule_.empty()) return;  // nobody wrote there
    std::vector<const std::int16_t*> done;
    for (const Layer& layer : network_->stages()[stage].layers) {
        const std::size_t slot = std::visit([](const auto& one) { return one.input.slot; }, layer);
        if (std::find(done.begin(), done.end(), maps_[slot].data) != done.end()) continue;
        clear_border(maps_[slot], borders_[slot]);
        done.push_back(maps_[slot].data);
    }
}

void Workspace::clear_border(const Map& map, const Border& border) const {
    std::int16_t* const first = map.at(-border.top, -border.left);
    std::fill(first, map.at(0, -border.left), std::int16_t{0});
    for (std::int32_t y = 0; y < map.height; ++y) {
        std::fill(map.at(y, -border.left), map.at(y, 0), std::int16_t{0});
        std::fill_n(map.at(y, map.width), border.right * map.pixel, std::int16_t{0});
    }
    std::fill_n(map.at(map.height, -border.left), border.bottom * map.row, std::int16_t{0});
}

}  // namespace streamcodec::engine
