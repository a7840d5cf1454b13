// Row adaptation: what was coded moves the rows of what follows.
//
// The networks name a row of the tables for each symbol. On material unlike what they were trained
// on they err alike again and again: by channel, and by how large they expect a symbol to be. Both
// sides know by how many rows, from the symbols before. Weights of format 1 do without: all shifts
// are 0.
//
//     row         0 is certain and is not moved. A row r > 0 moved by m is clamp(r + m, 1, 63)
//     class       of a row r > 0, before it is moved: 0 for 1..7, 1 for 8..15, 2 for 16..25, 3 for
//                 26..63
//     cost        of a symbol s in a row of set 0: that of |s| in 1/256 bit (coder/cost.hpp)
//     sums        S[channel][class][m], m = -3..4: of the costs in the row moved by m, over the
//                 symbols that count. Those of row 0 do not, and, where a parity has p > 4096
//                 positions, only those in every k-th of its rows do, from row 0 on:
//                 k = 1 + floor((p - 1) / 4096)
//     shift       of a channel and class: the m with the least S[m] + 512 m^2; of those the one
//                 nearest to 0, and of two the smaller
//
// In an I-frame, S begins at 0. The rows of a step are moved by the shifts; then its symbols are
// added to S. A P-frame has sums for step A and others for step B. They are 0 at first; the rows of
// a frame are moved by the shifts of what the P-frames before it in the GOP left, and then each sum
// becomes S - (S >> 3) + that of this frame. So do those that a B-frame begins with (frame.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "frame/geometry.hpp"
#include "frame/quantiser.hpp"
#include "platform/team.hpp"

namespace streamcodec::frame {

constexpr std::int32_t kLeastShift = -3;
constexpr std::size_t kRowSums = kChannels * kRowClasses * kShifts;

// [channel][class][m - kLeastShift]
using RowSums = std::array<std::int32_t, kRowSums>;

class RowShifts {
  public:
    // By 0.
    RowShifts() = default;
    explicit RowShifts(const RowSums& sums);

    // [class][channel]
    const std::int16_t* data() const { return shifts_.data(); }

  private:
    std::array<std::int16_t, kRowClasses * kChannels> shifts_{};
};

// What symbols cost in the moved rows.
class RowCosts {
  public:
    // `adapts`: whether there is row adaptation.
    RowCosts(const Costs& costs, bool adapts);

    // The sums of the symbols of one or two parities, one after the other, with their rows before
    // they were moved; 0 if there is no adaptation.
    RowSums sums(const Geometry& size, std::size_t grids, const std::uint8_t* rows,
                 const std::int32_t* symbols, const Kernels& kernels, Team& team) const;

  private:
    void add(const std::uint8_t* rows, const std::int32_t* symbols, const Kernels& kernels,
             std::int32_t* sums) const;
    void add_far(const std::uint8_t* rows, const std::int32_t* symbols, std::int32_t* sums) const;

    const Costs& costs_;
    const bool adapts_;
    std::vector<std::uint16_t> near_;  // [row][magnitude][m - kLeastShift]; of row 0: 0
    std::array<std::uint8_t, kScaleRows> places_{};  // of a row's sums among those of its channel
};

RowSums& operator+=(RowSums& a, const RowSums& b);
// What is left of the sums of a P-frame for the next one.
RowSums faded(RowSums sums);

}  // namespace streamcodec::frame
