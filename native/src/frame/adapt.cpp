#include "frame/adapt.hpp"

#include <algorithm>

#include "frame/bands.hpp"

namespace streamcodec::frame {

namespace {

constexpr std::int32_t kPenalty = 512;  // 1/256 bit
constexpr std::int32_t kFromNearest[kShifts] = {0, -1, 1, -2, 2, -3, 3, 4};
constexpr std::size_t kMostPositions = 4096;

// Of a row above 0.
std::size_t class_of(std::int32_t row) {
    std::size_t found = kRowClasses - 1;
    while (row < kFirstOfClass[found]) --found;
    return found;
}

// By the i-th shift.
std::uint16_t moved_row(std::int32_t row, std::size_t i) {
    const std::int32_t to = row + kLeastShift + static_cast<std::int32_t>(i);
    return static_cast<std::uint16_t>(std::clamp(to, 1, kScaleRows - 1));
}

std::int16_t best_shift(const std::int32_t* sums) {
    std::int32_t best = 0;
    std::int64_t least = 0;
    for (const std::int32_t shift : kFromNearest) {
        const std::int64_t cost =
            std::int64_t{sums[shift - kLeastShift]} + kPenalty * shift * shift;
        if (shift == 0 || cost < least) {
            best = shift;
            least = cost;
        }
    }
    return static_cast<std::int16_t>(best);
}

}  // namespace

RowShifts::RowShifts(const RowSums& sums) {
    for (std::size_t channel = 0; channel < kChannels; ++channel) {
        for (std::size_t c = 0; c < kRowClasses; ++c) {
            shifts_[c * kChannels + channel] =
                best_shift(&sums[(channel * kRowClasses + c) * kShifts]);
        }
    }
}

RowCosts::RowCosts(const Costs& costs, bool adapts)
    : costs_(costs), adapts_(adapts), near_(kScaleRows * kNearMagnitudes * kShifts) {
    for (std::int32_t row = 1; row < kScaleRows; ++row) {
        const auto at = static_cast<std::size_t>(row);
        places_[at] = static_cast<std::uint8_t>(class_of(row) * kShifts);
        for (std::size_t magnitude = 0; magnitude < kNearMagnitudes; ++magnitude) {
            for (std::size_t i = 0; i < kShifts; ++i) {
                near_[(at * kNearMagnitudes + magnitude) * kShifts + i] =
                    static_cast<std::uint16_t>(
                        costs.of(moved_row(row, i), static_cast<std::int32_t>(magnitude)));
            }
        }
    }
}

// A sum is below 2^31: of at most 2 * 4096 symbols of at most 2^14 each, and what is left of such.
RowSums RowCosts::sums(const Geometry& size, std::size_t grids, const std::uint8_t* rows,
                       const std::int32_t* symbols, const Kernels& kernels, Team& team) const {
    RowSums all{};
    if (!adapts_) return all;
    const std::size_t height = size.rows8() / 2, width = size.columns8() / 2;
    const std::size_t every = 1 + (height * width - 1) / kMostPositions;
    const std::size_t counted = (height + every - 1) / every;
    std::vector<RowSums> parts(team.size());
    for_rows(team, grids * counted, [&](std::size_t row, std::size_t member) {
        const std::size_t y = row / counted * height + row % counted * every;
        for (std::size_t position = y * width; position < (y + 1) * width; ++position) {
            const std::size_t at = position * kChannels;
            add(rows + at, symbols + at, kernels, parts[member].data());
        }
    });
    for (const RowSums& part : parts) all += part;
    return all;
}

void RowCosts::add(const std::uint8_t* rows, const std::int32_t* symbols, const Kernels& kernels,
                   std::int32_t* sums) const {
    constexpr auto most = static_cast<std::int32_t>(kNearMagnitudes) - 1;
    std::int32_t beyond = 0;
    for (std::size_t i = 0; i < kChannels; ++i) {
        beyond |= static_cast<std::int32_t>(symbols[i] > most) | (symbols[i] < -most);
    }
    if (beyond == 0) {
        kernels.add_costs(rows, symbols, near_.data(), places_.data(), sums);
    } else {
        add_far(rows, symbols, sums);
    }
}

void RowCosts::add_far(const std::uint8_t* rows, const std::int32_t* symbols,
                       std::int32_t* sums) const {
    for (std::size_t i = 0; i < kChannels; ++i) {
        if (rows[i] == 0) continue;
        std::int32_t* const to = sums + i * kRowClasses * kShifts + places_[rows[i]];
        const std::int32_t magnitude = symbols[i] < 0 ? -symbols[i] : symbols[i];
        for (std::size_t k = 0; k < kShifts; ++k) {
            to[k] += static_cast<std::int32_t>(costs_.of(moved_row(rows[i], k), magnitude));
        }
    }
}

RowSums& operator+=(RowSums& a, const RowSums& b) {
    for (std::size_t i = 0; i < kRowSums; ++i) a[i] += b[i];
    return a;
}

RowSums faded(RowSums sums) {
    for (std::int32_t& sum : sums) sum -= sum >> 3;
    return sums;
}

}  // namespace streamcodec::frame
