// The loops in plain C++, for every file with kernels to compile for its own instruction set:
// everything here has internal linkage.
#pragma once

#include "frame/kernels/kernels.hpp"

namespace streamcodec::frame {

namespace {

inline std::int32_t limited(std::int32_t x, std::int32_t low, std::int32_t high) {
    return x < low ? low : x > high ? high : x;
}

inline std::ptrdiff_t offset(std::size_t i) { return static_cast<std::ptrdiff_t>(i); }

// ---- pixels and cells

// Calls visit(channel of the cell, pointer to its pixel) for the 24 pixels of cell x.
template <typename Visit>
inline void visit_cell(const PixelRow& pixels, std::size_t x, Visit visit) {
    for (std::size_t i = 0; i < 16; ++i) {
        visit(i, pixels.luma + offset(i / 4) * pixels.luma_stride + offset(4 * x + i % 4));
    }
    for (std::size_t i = 0; i < 4; ++i) {
        const std::ptrdiff_t at = offset(i / 2) * pixels.chroma_stride + offset(2 * x + i % 2);
        visit(16 + i, pixels.u + at);
        visit(20 + i, pixels.v + at);
    }
}

inline void pack(const PixelRow& pixels, std::size_t count, CellRow to) {
    for (std::size_t x = 0; x < count; ++x) {
        std::int16_t* const cell = to.data + offset(x) * to.pixel;
        visit_cell(pixels, x, [&](std::size_t channel, const std::uint8_t* pixel) {
            cell[channel] = static_cast<std::int16_t>(*pixel - 128);
        });
    }
}

inline void pack_difference(const PixelRow& pixels, const PixelRow& other, std::size_t count,
                            CellRow to) {
    for (std::size_t x = 0; x < count; ++x) {
        std::int16_t* const cell = to.data + offset(x) * to.pixel;
        visit_cell(pixels, x,
                   [&](std::size_t channel, const std::uint8_t* pixel) { cell[channel] = *pixel; });
        visit_cell(other, x, [&](std::size_t channel, const std::uint8_t* pixel) {
            cell[channel] = static_cast<std::int16_t>(cell[channel] - *pixel);
        });
    }
}

inline void unpack(ConstCellRow residual, ConstCellRow base, std::size_t count,
                   const PixelRow& to) {
    for (std::size_t x = 0; x < count; ++x) {
        const std::int16_t* const from = residual.data + offset(x) * residual.pixel;
        const std::int16_t* const below =
            base.data == nullptr ? nullptr : base.data + offset(x) * base.pixel;
        visit_cell(to, x, [&](std::size_t channel, const std::uint8_t* pixel) {
            const std::int32_t sum =
                128 + (below == nullptr ? 0 : below[channel]) + ((from[channel] + 8) >> 4);
            *const_cast<std::uint8_t*>(pixel) = static_cast<std::uint8_t>(limited(sum, 0, 255));
        });
    }
}

// ---- coefficients

inline void log_scaled(const std::int16_t* coefficients, const std::int32_t* gain,
                       const std::int16_t* log, std::size_t count, CellRow to) {
    for (std::size_t block = 0; block < count; ++block) {
        const std::int16_t* const from = coefficients + block * kChannels;
        std::int16_t* const out = to.data + offset(block) * to.pixel;
        std::uint32_t entries[kChannels];
        for (std::size_t i = 0; i < kChannels; ++i) {
            const auto magnitude = static_cast<std::uint32_t>(from[i] < 0 ? -from[i] : from[i]);
            const std::uint32_t scaled =
                (magnitude * static_cast<std::uint32_t>(gain[i]) + (1u << 15)) >> 16;
            entries[i] = scaled < kLogEntries - 1 ? scaled : kLogEntries - 1;
        }
        for (std::size_t i = 0; i < kChannels; ++i) out[i] = log[entries[i]];
    }
}

inline void move_rows(const std::int16_t* from, const std::int16_t* shifts, std::uint8_t* given,
                      std::uint16_t* moved) {
    constexpr std::int16_t kLast = kScaleRows - 1;
    for (std::size_t i = 0; i < kChannels; ++i) {
        const std::int16_t row = from[i] < 0 ? 0 : from[i] > kLast ? kLast : from[i];
        std::int16_t shift = shifts[i];
        for (std::size_t c = 1; c < kRowClasses; ++c)
            shift = row >= kFirstOfClass[c] ? shifts[c * kChannels + i] : shift;
        std::int16_t to = static_cast<std::int16_t>(row + shift);
        to = to < 1 ? 1 : to > kLast ? kLast : to;
        given[i] = static_cast<std::uint8_t>(row);
        moved[i] = static_cast<std::uint16_t>(row == 0 ? 0 : to);
    }
}

inline void add_costs(const std::uint8_t* rows, const std::int32_t* symbols,
                      const std::uint16_t* costs, const std::uint8_t* places, std::int32_t* sums) {
    for (std::size_t i = 0; i < kChannels; ++i) {
        const std::size_t row = rows[i];
        if (row == 0) continue;
        const auto magnitude = static_cast<std::size_t>(symbols[i] < 0 ? -symbols[i] : symbols[i]);
        const std::uint16_t* const from = costs + (row * kNearMagnitudes + magnitude) * kShifts;
        std::int32_t* const to = sums + i * kRowClasses * kShifts + places[row];
        for (std::size_t k = 0; k < kShifts; ++k) to[k] += from[k];
    }
}

inline bool are_symbols(const std::int32_t* symbols, std::size_t count) {
    std::uint32_t beyond = 0;
    for (std::size_t i = 0; i < count; ++i)
        beyond |= (static_cast<std::uint32_t>(symbols[i]) + 2047u) > 4094u ? 1u : 0u;
    return beyond == 0;
}

inline bool scale_inter(const std::int32_t* symbols, const std::int32_t* step,
                        std::int16_t* coefficients, std::uint8_t* magnitudes) {
    std::int32_t any = 0;
    for (std::size_t i = 0; i < kChannels; ++i) any |= symbols[i];
    if (any == 0) return false;
    for (std::size_t i = 0; i < kChannels; ++i) {
        const std::int32_t scaled = (symbols[i] * step[i] + 8) >> 4;
        coefficients[i] = static_cast<std::int16_t>(limited(scaled, -32768, 32767));
        const std::int32_t magnitude = symbols[i] < 0 ? -symbols[i] : symbols[i];
        magnitudes[i] = static_cast<std::uint8_t>(magnitude < 255 ? magnitude : 255);
    }
    return true;
}

inline void scale_intra(const std::int32_t* symbols, const std::int16_t* means,
                        const std::int32_t* step, std::int32_t* u, std::int16_t* coefficients) {
    for (std::size_t i = 0; i < kChannels; ++i) {
        u[i] = 32 * symbols[i] + means[i];
        const std::int32_t scaled = (u[i] * step[i] + 256) >> 9;
        coefficients[i] =
            static_cast<std::int16_t>(limited(scaled, -kResidualLimit, kResidualLimit));
    }
}

// (x * gain + 2^11) >> 12 in 32 bits: x has 17 bits, gain is divided in 12 and 6.
inline void scale_down(const std::int16_t* a, const std::int16_t* b, const std::int32_t* gain,
                       std::int32_t* y) {
    for (std::size_t i = 0; i < kChannels; ++i) {
        const std::int32_t x = a[i] + b[i];
        y[i] = (x * (gain[i] >> 6) + ((x * (gain[i] & 63) + (1 << 11)) >> 6)) >> 6;
    }
}

}  // namespace

}  // namespace streamcodec::frame
