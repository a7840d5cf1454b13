#include "frame/sets.hpp"

#include <algorithm>

namespace streamcodec::frame {

void SetCosts::count(Member& member, const std::uint16_t* rows, const std::int32_t* symbols) const {
    for (std::size_t i = 0; i < kChannels; ++i) {
        if (rows[i] == 0) continue;
        const std::int32_t place = symbols[i] + kNearSymbols;
        if (place >= 0 && place < 2 * kNearSymbols) {
            ++member.counts[rows[i]][static_cast<std::size_t>(place)];
        } else {
            ++member.counts[rows[i]].back();
            for (std::size_t set = 0; set < sets_.size(); ++set) {
                member.far[set] += sets_[set].of(rows[i], symbols[i]);
            }
        }
    }
}

RowCounts SetCosts::counts() const {
    RowCounts all{};
    for (const Member& member : members_) {
        for (std::size_t row = 0; row < all.size(); ++row) {
            for (std::size_t place = 0; place < all[row].size(); ++place) {
                all[row][place] += member.counts[row][place];
            }
        }
    }
    return all;
}

std::size_t SetCosts::cheapest() const {
    std::array<std::uint64_t, kMostSets> sums{};
    for (const Member& member : members_) {
        for (std::size_t set = 0; set < sets_.size(); ++set) {
            sums[set] += member.far[set];
            for (std::uint16_t row = 1; row < kScaleRows; ++row) {
                for (std::int32_t place = 0; place < 2 * kNearSymbols; ++place) {
                    sums[set] +=
                        std::uint64_t{member.counts[row][static_cast<std::size_t>(place)]} *
                        sets_[set].of(row, place - kNearSymbols);
                }
            }
        }
    }
    const auto end = sums.begin() + static_cast<std::ptrdiff_t>(sets_.size());
    return static_cast<std::size_t>(std::min_element(sums.begin(), end) - sums.begin());
}

}  // namespace streamcodec::frame
