// The encoder's choice of symbols: squared error and bits, in integers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "coder/tables.hpp"
#include "frame/kernels/kernels.hpp"
#include "platform/view.hpp"

namespace streamcodec::frame {

constexpr std::int32_t kMaxSymbol = 2047;  // in magnitude

// What the symbols of the latent cost.
class Costs {
  public:
    // Throws BadArgument unless the tables have kScaleRows rows for symbols from first_row on: the
    // first is certain, certain rows have the value 0, and all values are symbols.
    explicit Costs(const Tables& tables, std::size_t first_row = 0);

    // In 1/256 bit, of a symbol within +-kMaxSymbol.
    std::uint32_t of(std::uint16_t row, std::int32_t symbol) const {
        const auto place = static_cast<std::uint32_t>(symbol + kNear);
        return place < 2 * kNear ? near_[row][place] : far(row, symbol);
    }
    bool is_certain(std::uint16_t row) const { return certain_[row] != 0; }

  private:
    static constexpr std::int32_t kNear = 32;  // symbols -kNear .. kNear - 1 are looked up

    std::uint32_t far(std::uint16_t row, std::int32_t symbol) const;

    struct Values {
        std::int32_t first = 0, count = 0;
        std::vector<std::uint16_t> costs;  // of each value, and of the escape
    };
    std::array<Values, kScaleRows> rows_;
    std::array<std::array<std::uint16_t, 2 * kNear>, kScaleRows> near_{};
    std::array<std::uint8_t, kScaleRows> certain_{};
};

// The symbols of a block, each for y[i] in 1/256 step, |y[i]| <= 2^23, and with the row rows[i].
// The rows are those before they are moved (adapt.hpp): by the costs in moved rows, more symbols
// would move the rows further, which makes more symbols cheap, and so on.
//
// Candidates in this order: r = |y| rounded, halves up, at most kMaxSymbol; r - 1; 0; all with the
// sign of y. The first one with the least (|y| - 256 candidate)^2 + ((lambda * cost) >> 8) is
// chosen, lambda in squared steps / 65536 per bit; 0 in certain rows.
void choose(const Costs& costs, std::int32_t lambda, const std::int32_t* y,
            const std::uint8_t* rows, std::int32_t* symbols);

}  // namespace streamcodec::frame
