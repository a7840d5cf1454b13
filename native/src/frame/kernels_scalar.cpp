// The loops for any machine.
#include "frame/dct.hpp"
#include "frame/loops.hpp"

namespace streamcodec::frame {

namespace {

// Where a sample of a block is among its 2x2 cells: the transforms of luma, U and V address theirs by this.
struct Part {
    std::size_t side, channel, coefficient;  // the block has side x side samples
};
constexpr Part kParts[] = {{8, 0, 0}, {4, 16, 64}, {4, 20, 80}};

std::ptrdiff_t sample_at(const Part& part, std::size_t y, std::size_t x, std::ptrdiff_t row, std::ptrdiff_t pixel) {
    const std::size_t half = part.side / 2;  // samples of a cell
    return offset(y / half) * row + offset(x / half) * pixel + offset(part.channel + y % half * half + x % half);
}

std::int32_t basis(std::size_t side, std::size_t frequency, std::size_t pixel) {
    return side == 8 ? kBasis8[frequency][pixel] : kBasis4[frequency][pixel];
}

std::int32_t shifted(std::int32_t sum, int shift) { return (sum + (1 << (shift - 1))) >> shift; }

void forward_part(const Part& part, ConstCellRow cells, std::int16_t* coefficients) {
    const std::size_t n = part.side;
    std::int32_t half[8][8];
    for (std::size_t u = 0; u < n; ++u) {
        for (std::size_t x = 0; x < n; ++x) {
            std::int32_t sum = 0;
            for (std::size_t y = 0; y < n; ++y) {
                sum += basis(n, u, y) * cells.data[sample_at(part, y, x, cells.row, cells.pixel)];
            }
            half[u][x] = shifted(sum, kForward1);
        }
    }
    for (std::size_t u = 0; u < n; ++u) {
        for (std::size_t v = 0; v < n; ++v) {
            std::int32_t sum = 0;
            for (std::size_t x = 0; x < n; ++x) sum += basis(n, v, x) * half[u][x];
            coefficients[part.coefficient + u * n + v] =
                static_cast<std::int16_t>(limited(shifted(sum, kForward2), -32768, 32767));
        }
    }
}

void inverse_part(const Part& part, const std::int16_t* coefficients, CellRow cells) {
    const std::size_t n = part.side;
    std::int32_t half[8][8];
    for (std::size_t y = 0; y < n; ++y) {
        for (std::size_t v = 0; v < n; ++v) {
            std::int32_t sum = 0;
            for (std::size_t u = 0; u < n; ++u) sum += basis(n, u, y) * coefficients[part.coefficient + u * n + v];
            half[y][v] = limited(shifted(sum, kInverse1), -32768, 32767);
        }
    }
    for (std::size_t y = 0; y < n; ++y) {
        for (std::size_t x = 0; x < n; ++x) {
            std::int32_t sum = 0;
            for (std::size_t v = 0; v < n; ++v) sum += basis(n, v, x) * half[y][v];
            cells.data[sample_at(part, y, x, cells.row, cells.pixel)] =
                static_cast<std::int16_t>(limited(shifted(sum, kInverse2), -kResidualLimit, kResidualLimit));
        }
    }
}

void forward(ConstCellRow cells, std::size_t count, std::int16_t* coefficients) {
    for (std::size_t block = 0; block < count; ++block) {
        for (const Part& part : kParts) forward_part(part, cells, coefficients + block * kChannels);
        cells.data += 2 * cells.pixel;
    }
}

void inverse(const std::int16_t* coefficients, std::size_t count, CellRow cells) {
    for (std::size_t block = 0; block < count; ++block) {
        for (const Part& part : kParts) inverse_part(part, coefficients + block * kChannels, cells);
        cells.data += 2 * cells.pixel;
    }
}

}  // namespace

extern const Kernels kScalar = {pack,       pack_difference, unpack,      forward,     inverse,
                                log_scaled, limit_rows,      are_symbols, scale_inter, scale_intra, scale_down};

}  // namespace streamcodec::frame
