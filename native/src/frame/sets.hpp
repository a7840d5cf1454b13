// Sets of rows: how a step's symbols are distributed differs between frames, by what they are coded
// from and by how much of the picture changes. Weights of format 3 have up to kMostSets sets of the
// rows 0..63, and each step of a frame names one. Set 0 is rows 0..63 of the tables; set k > 0 of n
// is the 64 rows from 64 (n - k) before the end of the tables on.
//
//     sets of a frame   byte 1 of its payload: bits 2k and 2k + 1 have the set of step k. What is
//                       beyond the steps of a frame, or no set of the weights, is damage
//     row of a symbol   row r of the set, r being what adapt.hpp leaves
//
// Row adaptation takes its costs from set 0, whatever set codes the symbols, and so does an encoder
// that chooses symbols: sets change bits, never pictures. This encoder takes, for each step, the
// set in which the symbols cost least (coder/cost.hpp), of equals the first.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "frame/quantiser.hpp"

namespace streamcodec::frame {

constexpr std::size_t kMostSets = 4, kSetBits = 2;

inline std::size_t set_of(std::uint8_t sets_of_frame, std::size_t step) {
    return (std::size_t{sets_of_frame} >> (kSetBits * step)) & (kMostSets - 1);
}

// How often each symbol came in each row: -kNearSymbols .. kNearSymbols - 1, then all others.
constexpr std::int32_t kNearSymbols = 32;
using RowCounts = std::array<std::array<std::uint32_t, 2 * kNearSymbols + 1>, kScaleRows>;

// What the symbols of one step cost in each set.
class SetCosts {
  public:
    // `sets`: the costs in each, which must outlast this; `members`: of the team; `counts`: whether
    // counts() is wanted, even of a single set.
    SetCosts(const std::vector<Costs>& sets, std::size_t members, bool counts)
        : sets_(sets), members_(counts || sets.size() > 1 ? members : 0) {}

    // Adds the symbols of a position, by a member of the team.
    void add(std::size_t member, const std::uint16_t* rows, const std::int32_t* symbols) {
        if (!members_.empty()) count(members_[member], rows, symbols);
    }
    std::size_t cheapest() const;
    RowCounts counts() const;  // of rows above 0

  private:
    struct Member {
        RowCounts counts{};
        std::array<std::uint64_t, kMostSets> far{};  // costs of the others in each set
    };
    void count(Member& member, const std::uint16_t* rows, const std::int32_t* symbols) const;

    const std::vector<Costs>& sets_;
    std::vector<Member> members_;
};

}  // namespace streamcodec::frame
