// The loops for any machine.
#include "frame/kernels/loops.hpp"

namespace streamcodec::frame {

namespace {

// A part of a block: kSide x kSide samples of Y, U or V. In a cell they begin at channel kChannel,
// in the latent at channel kFirst.
template <std::size_t kSide, std::size_t kChannel, std::size_t kFirst>
struct Part {
    static constexpr std::size_t kHalf = kSide / 2;  // side of a cell's samples

    static std::ptrdiff_t at(std::size_t y, std::size_t x, std::ptrdiff_t row,
                             std::ptrdiff_t pixel) {
        return offset(y / kHalf) * row + offset(x / kHalf) * pixel +
               offset(kChannel + y % kHalf * kHalf + x % kHalf);
    }

    static std::int32_t basis(std::size_t frequency, std::size_t pixel) {
        if constexpr (kSide == 8) return kBasis8[frequency][pixel];
        return kBasis4[frequency % 4][pixel % 4];
    }

    static void forward(const ConstCellRow& cells, std::int16_t* coefficients) {
        std::int32_t half[kSide][kSide];
        for (std::size_t u = 0; u < kSide; ++u) {
            for (std::size_t x = 0; x < kSide; ++x) {
                std::int32_t sum = 1 << (kForward1 - 1);
                for (std::size_t y = 0; y < kSide; ++y) {
                    sum += basis(u, y) * cells.data[at(y, x, cells.row, cells.pixel)];
                }
                half[u][x] = sum >> kForward1;
            }
        }
        for (std::size_t u = 0; u < kSide; ++u) {
            for (std::size_t v = 0; v < kSide; ++v) {
                std::int32_t sum = 1 << (kForward2 - 1);
                for (std::size_t x = 0; x < kSide; ++x) sum += basis(v, x) * half[u][x];
                coefficients[kFirst + u * kSide + v] =
                    static_cast<std::int16_t>(limited(sum >> kForward2, -32768, 32767));
            }
        }
    }

    static void inverse(const std::int16_t* coefficients, const CellRow& cells) {
        std::int32_t half[kSide][kSide];
        for (std::size_t y = 0; y < kSide; ++y) {
            for (std::size_t v = 0; v < kSide; ++v) {
                std::int32_t sum = 1 << (kInverse1 - 1);
                for (std::size_t u = 0; u < kSide; ++u) {
                    sum += basis(u, y) * coefficients[kFirst + u * kSide + v];
                }
                half[y][v] = limited(sum >> kInverse1, -32768, 32767);
            }
        }
        for (std::size_t y = 0; y < kSide; ++y) {
            for (std::size_t x = 0; x < kSide; ++x) {
                std::int32_t sum = 1 << (kInverse2 - 1);
                for (std::size_t v = 0; v < kSide; ++v) sum += basis(v, x) * half[y][v];
                cells.data[at(y, x, cells.row, cells.pixel)] = static_cast<std::int16_t>(
                    limited(sum >> kInverse2, -kResidualLimit, kResidualLimit));
            }
        }
    }
};

using Luma = Part<8, 0, 0>;
using U = Part<4, 16, 64>;
using V = Part<4, 20, 80>;

void forward(ConstCellRow cells, std::size_t count, std::int16_t* coefficients) {
    for (std::size_t block = 0; block < count; ++block, coefficients += kChannels) {
        Luma::forward(cells, coefficients);
        U::forward(cells, coefficients);
        V::forward(cells, coefficients);
        cells.data += 2 * cells.pixel;
    }
}

void inverse(const std::int16_t* coefficients, std::size_t count, CellRow cells) {
    for (std::size_t block = 0; block < count; ++block, coefficients += kChannels) {
        Luma::inverse(coefficients, cells);
        U::inverse(coefficients, cells);
        V::inverse(coefficients, cells);
        cells.data += 2 * cells.pixel;
    }
}

}  // namespace

extern const Kernels kScalar = {pack,        pack_difference, unpack,      forward,
                                inverse,     log_scaled,      move_rows,   add_costs,
                                are_symbols, scale_inter,     scale_intra, scale_down};

}  // namespace streamcodec::frame
