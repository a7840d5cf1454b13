// The loops over pixels and coefficients, one set of them for each instruction set; all give the
// same numbers.
//
// Files that implement them are compiled with flags that the CPU at hand may not have. So they
// include only this header, dct.hpp, loops.hpp and the compiler's intrinsics, and define nothing
// that the linker could share.
//
// A cell is the 24 samples of 4x4 luma pixels and the 2x2 of U and of V with them: channel 4 iy +
// ix is luma's, 16 + 2 iy + ix U's, 20 + 2 iy + ix V's. A block is 2x2 cells, and its coefficients
// the 96 channels of the latent: 8 u + v luma's 8x8 DCT, 64 + 4 u + v the 4x4 DCT of U, 80 + 4 u +
// v of V (u the vertical frequency).
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamcodec::frame {

constexpr std::size_t kCellChannels = 24;
constexpr std::size_t kChannels = 96;  // of the latent
constexpr std::int32_t kLogEntries = 4096;
constexpr std::int32_t kResidualLimit = 8191;  // of the inverse transform's samples, 1/16 pixel

// Of the tables' rows for symbols of the latent, and of row adaptation (adapt.hpp).
constexpr std::int32_t kScaleRows = 64;
constexpr std::size_t kRowClasses = 4, kShifts = 8;
constexpr std::int16_t kFirstOfClass[kRowClasses] = {1, 8, 16, 26};
constexpr std::size_t kNearMagnitudes = 16;  // those below have their costs in a table

// The bases of the transforms.
// [frequency][pixel]: round(2^13 * sqrt(2 / N) * (frequency == 0 ? sqrt(1 / 2) : 1) * cos(pi (2
// pixel + 1) frequency / 2N)).
constexpr std::int16_t kBasis8[8][8] = {{2896, 2896, 2896, 2896, 2896, 2896, 2896, 2896},
                                        {4017, 3406, 2276, 799, -799, -2276, -3406, -4017},
                                        {3784, 1567, -1567, -3784, -3784, -1567, 1567, 3784},
                                        {3406, -799, -4017, -2276, 2276, 4017, 799, -3406},
                                        {2896, -2896, -2896, 2896, 2896, -2896, -2896, 2896},
                                        {2276, -4017, 799, 3406, -3406, -799, 4017, -2276},
                                        {1567, -3784, 3784, -1567, -1567, 3784, -3784, 1567},
                                        {799, -2276, 3406, -4017, 4017, -3406, 2276, -799}};
constexpr std::int16_t kBasis4[4][4] = {{4096, 4096, 4096, 4096},
                                        {5352, 2217, -2217, -5352},
                                        {4096, -4096, -4096, 4096},
                                        {2217, -5352, 5352, -2217}};

// Right shifts of the first and the second pass, forward and inverse; each rounds halves up.
constexpr int kForward1 = 10, kForward2 = 13, kInverse1 = 12, kInverse2 = 13;

// The pixels of a row of cells: `luma` its first of 4 rows, u and v of 2.
struct PixelRow {
    const std::uint8_t *luma, *u, *v;
    std::ptrdiff_t luma_stride, chroma_stride;
};

// Cells or blocks: `row` and `pixel` lead to the next one below and to the right, in elements.
struct CellRow {
    std::int16_t* data;
    std::ptrdiff_t row, pixel;
};

struct ConstCellRow {
    const std::int16_t* data;
    std::ptrdiff_t row, pixel;
};

struct Kernels {
    // A row of `count` cells, a multiple of 4: pixels - 128, or pixels - other.
    void (*pack)(const PixelRow& pixels, std::size_t count, CellRow to);
    void (*pack_difference)(const PixelRow& pixels, const PixelRow& other, std::size_t count,
                            CellRow to);

    // Back: clamp(base + 128 + ((residual + 8) >> 4), 0, 255), base 0 where its data is null.
    void (*unpack)(ConstCellRow residual, ConstCellRow base, std::size_t count, const PixelRow& to);

    // A row of `count` blocks, which is even: cells to coefficients and back (frame.hpp,
    // Transforms).
    void (*forward)(ConstCellRow cells, std::size_t count, std::int16_t* coefficients);
    void (*inverse)(const std::int16_t* coefficients, std::size_t count, CellRow cells);

    // to[i] = LOG[min((|coefficients[i]| * gain[i mod 96] + 2^15) >> 16, 4095)] for `count` blocks,
    // with |coefficients| <= 8200 and gain <= 2^18.
    void (*log_scaled)(const std::int16_t* coefficients, const std::int32_t* gain,
                       const std::int16_t* log, std::size_t count, CellRow to);

    // Of a position: given[i] = from[i] limited to 0..63, and that moved by shifts
    // [kRowClasses][96], as adapt.hpp says.
    void (*move_rows)(const std::int16_t* from, const std::int16_t* shifts, std::uint8_t* given,
                      std::uint16_t* moved);

    // Of a position with magnitudes below kNearMagnitudes: adds costs
    // [row][kNearMagnitudes][kShifts] to sums [channel][kRowClasses][kShifts], of channel i from
    // places[rows[i]] on.
    void (*add_costs)(const std::uint8_t* rows, const std::int32_t* symbols,
                      const std::uint16_t* costs, const std::uint8_t* places, std::int32_t* sums);

    // Whether all of `count` symbols, a multiple of 32, lie within +-2047.
    bool (*are_symbols)(const std::int32_t* symbols, std::size_t count);

    // One block of the P-frame: c[i] = sat16((s[i] * step[i] + 8) >> 4) and magnitudes[i] =
    // min(|s[i]|, 255). Returns whether there is a symbol other than 0; if not, nothing is written.
    bool (*scale_inter)(const std::int32_t* symbols, const std::int32_t* step,
                        std::int16_t* coefficients, std::uint8_t* magnitudes);

    // One block of the I-frame: u[i] = 32 s[i] + mean[i], c[i] = clamp((u[i] * step[i] + 256) >> 9,
    // -8191, 8191).
    void (*scale_intra)(const std::int32_t* symbols, const std::int16_t* means,
                        const std::int32_t* step, std::int32_t* u, std::int16_t* coefficients);

    // Of one block, in 1/256 step: y[i] = (((a[i] + b[i]) * gain[i] + 2^11) >> 12), with gain <=
    // 2^18.
    void (*scale_down)(const std::int16_t* a, const std::int16_t* b, const std::int32_t* gain,
                       std::int32_t* y);
};

extern const Kernels kScalar;
#ifdef STREAMCODEC_X86
extern const Kernels kAvx2;
extern const Kernels kAvx512;
#endif

}  // namespace streamcodec::frame
