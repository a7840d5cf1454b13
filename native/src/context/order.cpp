#include "context/order.hpp"

#include <algorithm>
#include <cstdlib>

#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr std::int32_t kMaxRadius = 15;
constexpr std::size_t kMaxTaps = (2 * kMaxRadius + 1) * (2 * kMaxRadius + 1) - 1;

bool is_coded_before(Tap tap, Schedule schedule) {
    if (schedule == Schedule::checkerboard) return (tap.rows + tap.columns) % 2 != 0;
    return tap.rows < 0 || (tap.rows == 0 && tap.columns < 0);
}

}  // namespace

Schedule schedule_named(const std::string& name) {
    if (name == "raster") return Schedule::raster;
    if (name == "checkerboard") return Schedule::checkerboard;
    throw BadArgument("no schedule is called '" + name + "'; accepted: raster, checkerboard");
}

std::vector<Tap> checked_taps(View<const std::int32_t> pairs, Schedule schedule) {
    if (pairs.size < 2 || pairs.size % 2 != 0 || pairs.size / 2 > kMaxTaps) {
        throw BadArgument("taps are " + std::to_string(pairs.size) +
                          " numbers; accepted: two for each of 1.." + std::to_string(kMaxTaps) +
                          " taps");
    }
    std::vector<Tap> taps;
    for (std::size_t i = 0; i < pairs.size; i += 2) {
        const Tap tap{pairs[i], pairs[i + 1]};
        const bool is_near = tap.rows >= -kMaxRadius && tap.rows <= kMaxRadius &&
                             tap.columns >= -kMaxRadius && tap.columns <= kMaxRadius;
        if (!is_near || !is_coded_before(tap, schedule)) {
            throw BadArgument("tap " + std::to_string(i / 2) + " is (" + std::to_string(tap.rows) +
                              ", " + std::to_string(tap.columns) + "); accepted: within +-" +
                              std::to_string(kMaxRadius) +
                              (schedule == Schedule::raster ? ", above or to the left"
                                                            : ", an odd number of steps away"));
        }
        taps.push_back(tap);
    }
    return taps;
}

std::int32_t radius_of(const std::vector<Tap>& taps) {
    std::int32_t radius = 0;
    for (const Tap tap : taps)
        radius = std::max({radius, std::abs(tap.rows), std::abs(tap.columns)});
    return radius;
}

std::size_t Order::waves() const {
    if (schedule_ == Schedule::checkerboard) return 2;
    return static_cast<std::size_t>(width_) +
           static_cast<std::size_t>(delay_) * static_cast<std::size_t>(height_ - 1);
}

std::size_t Order::widest_wave() const {
    const auto height = static_cast<std::size_t>(height_), width = static_cast<std::size_t>(width_);
    if (schedule_ == Schedule::checkerboard) return (height * width + 1) / 2;
    const auto delay = static_cast<std::size_t>(delay_);
    return std::min(height, (width + delay - 1) / delay);
}

void Order::list(std::size_t wave, std::vector<Position>& positions) const {
    positions.clear();
    const auto number = static_cast<std::int64_t>(wave);
    if (schedule_ == Schedule::checkerboard) {
        for (std::int32_t row = 0; row < height_; ++row) {
            for (std::int32_t column = (row + static_cast<std::int32_t>(wave)) % 2; column < width_;
                 column += 2) {
                positions.push_back({row, column});
            }
        }
        return;
    }
    const std::int64_t past =
        number - width_ + 1;  // rows whose last column is coded before are over
    const std::int64_t first = past <= 0 ? 0 : (past + delay_ - 1) / delay_;
    for (std::int64_t row = first; row < height_ && number - delay_ * row >= 0; ++row) {
        positions.push_back(
            {static_cast<std::int32_t>(row), static_cast<std::int32_t>(number - delay_ * row)});
    }
}

}  // namespace streamcodec
