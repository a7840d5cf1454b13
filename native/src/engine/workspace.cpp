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

void Workspace::resize(const std::vector<Size>& given) {
    if (has_sizes() && are_equal(given, given_)) return;
    std::vector<Size> sizes = network_->sizes(given);
    runs_.clear();
    maps_.clear();
    buffers_.clear();
    sizes_.clear();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        const Border& border = network_->borders()[i];
        Map map;
        map.channels = network_->slots()[i].channels;
        map.height = sizes[i].height;
        map.width = sizes[i].width;
        map.pixel = rounded_up(map.channels);
        map.row = map.pixel * (border.left + std::ptrdiff_t{map.width} + border.right);
        const std::ptrdiff_t rows = border.top + std::ptrdiff_t{map.height} + border.bottom;
        buffers_.emplace_back(static_cast<std::size_t>(map.row * rows) + kSlack);
        map.data = buffers_.back().data() + border.top * map.row + border.left * map.pixel;
        maps_.push_back(map);
    }
    given_ = given;
    sizes_ = std::move(sizes);
}

void Workspace::clear(std::size_t slot) {
    const Map& map = maps_[slot];
    for (std::int32_t y = 0; y < map.height; ++y)
        std::fill_n(map.at(y, 0), map.width * map.pixel, std::int16_t{0});
}

}  // namespace streamcodec::engine
