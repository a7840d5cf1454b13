// Rows shared out among a team.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <type_traits>

#include "platform/team.hpp"

namespace streamcodec::frame {

// Calls work(row), or work(row, member of the team), for each of `rows` rows, a few neighbours at a
// time by the same member. `work` must not throw.
template <typename Work>
void for_rows(Team& team, std::size_t rows, Work work) {
    const std::size_t band = std::clamp<std::size_t>(rows / (4 * team.size()), 1, 8);
    std::atomic<std::size_t> next{0};
    team.run([&](std::size_t member) {
        for (std::size_t first = next.fetch_add(band); first < rows; first = next.fetch_add(band)) {
            for (std::size_t row = first; row < std::min(first + band, rows); ++row) {
                if constexpr (std::is_invocable_v<Work, std::size_t, std::size_t>) {
                    work(row, member);
                } else {
                    work(row);
                }
            }
        }
    });
}

}  // namespace streamcodec::frame
