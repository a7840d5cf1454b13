// The transforms with AVX2: two blocks at a time, one in each half of a vector. Included by
// the files for AVX2 and AVX-512, with internal linkage.
#pragma once

#include <immintrin.h>

#include "frame/kernels/cells_avx2.hpp"
#include "frame/kernels/kernels.hpp"
#include "frame/kernels/loops.hpp"

namespace streamcodec::frame {

namespace {

inline __m256i pair_of(std::int16_t a, std::int16_t b) {
    return _mm256_set1_epi32(
        static_cast<std::int32_t>(static_cast<std::uint16_t>(a)) |
        static_cast<std::int32_t>(static_cast<std::uint32_t>(static_cast<std::uint16_t>(b)) << 16));
}

// Rows a and b of samples, interleaved: what madd takes.
struct Pairs {
    __m256i low, high;
};
inline Pairs pairs(__m256i a, __m256i b) {
    return {_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

inline Pairs product(const Pairs& x, std::int16_t a, std::int16_t b) {
    const __m256i factors = pair_of(a, b);
    return {_mm256_madd_epi16(x.low, factors), _mm256_madd_epi16(x.high, factors)};
}

inline Pairs sum(const Pairs& x, const Pairs& y) {
    return {_mm256_add_epi32(x.low, y.low), _mm256_add_epi32(x.high, y.high)};
}

inline Pairs difference(const Pairs& x, const Pairs& y) {
    return {_mm256_sub_epi32(x.low, y.low), _mm256_sub_epi32(x.high, y.high)};
}

template <int kShift>
inline __m256i rounded(const Pairs& x) {
    const __m256i half = _mm256_set1_epi32(1 << (kShift - 1));
    return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(x.low, half), kShift),
                              _mm256_srai_epi32(_mm256_add_epi32(x.high, half), kShift));
}

// One pass of the forward transform over 8 rows: basis functions are even or odd, so sums and
// differences of opposite rows do.
template <int kShift>
inline void forward8(__m256i* rows) {
    const __m256i s0 = _mm256_add_epi16(rows[0], rows[7]), d0 = _mm256_sub_epi16(rows[0], rows[7]);
    const __m256i s1 = _mm256_add_epi16(rows[1], rows[6]), d1 = _mm256_sub_epi16(rows[1], rows[6]);
    const __m256i s2 = _mm256_add_epi16(rows[2], rows[5]), d2 = _mm256_sub_epi16(rows[2], rows[5]);
    const __m256i s3 = _mm256_add_epi16(rows[3], rows[4]), d3 = _mm256_sub_epi16(rows[3], rows[4]);
    const Pairs s01 = pairs(s0, s1), s23 = pairs(s2, s3), d01 = pairs(d0, d1), d23 = pairs(d2, d3);
#pragma GCC unroll 8
    for (int u = 0; u < 8; ++u) {
        const auto& basis = kBasis8[u];
        rows[u] = rounded<kShift>(sum(product(u % 2 == 0 ? s01 : d01, basis[0], basis[1]),
                                      product(u % 2 == 0 ? s23 : d23, basis[2], basis[3])));
    }
}

template <int kShift>
inline void inverse8(__m256i* rows) {
    const Pairs c02 = pairs(rows[0], rows[2]), c46 = pairs(rows[4], rows[6]);
    const Pairs c13 = pairs(rows[1], rows[3]), c57 = pairs(rows[5], rows[7]);
#pragma GCC unroll 4
    for (int y = 0; y < 4; ++y) {
        const Pairs even = sum(product(c02, kBasis8[0][y], kBasis8[2][y]),
                               product(c46, kBasis8[4][y], kBasis8[6][y]));
        const Pairs odd = sum(product(c13, kBasis8[1][y], kBasis8[3][y]),
                              product(c57, kBasis8[5][y], kBasis8[7][y]));
        rows[y] = rounded<kShift>(sum(even, odd));
        rows[7 - y] = rounded<kShift>(difference(even, odd));
    }
}

template <int kShift>
inline void forward4(__m256i* rows) {
    const Pairs r01 = pairs(rows[0], rows[1]), r23 = pairs(rows[2], rows[3]);
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u) {
        const auto& basis = kBasis4[u];
        rows[u] = rounded<kShift>(
            sum(product(r01, basis[0], basis[1]), product(r23, basis[2], basis[3])));
    }
}

template <int kShift>
inline void inverse4(__m256i* rows) {
    const Pairs c01 = pairs(rows[0], rows[1]), c23 = pairs(rows[2], rows[3]);
#pragma GCC unroll 4
    for (int y = 0; y < 4; ++y) {
        rows[y] = rounded<kShift>(sum(product(c01, kBasis4[0][y], kBasis4[1][y]),
                                      product(c23, kBasis4[2][y], kBasis4[3][y])));
    }
}

// 8x8 int16 in each half.
inline void transpose8(__m256i* r) {
    __m256i a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        a[2 * i] = _mm256_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
        b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        r[2 * i] = _mm256_unpacklo_epi64(b[i], b[i + 4]);
        r[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 4]);
    }
}

// Two 4x4 int16, side by side, in each half.
inline void transpose4(__m256i* r) {
    const __m256i a = _mm256_unpacklo_epi16(r[0], r[1]),
                  b = _mm256_unpackhi_epi16(r[0], r[1]);  // left, right
    const __m256i c = _mm256_unpacklo_epi16(r[2], r[3]), d = _mm256_unpackhi_epi16(r[2], r[3]);
    const __m256i left01 = _mm256_unpacklo_epi32(a, c), left23 = _mm256_unpackhi_epi32(a, c);
    const __m256i right01 = _mm256_unpacklo_epi32(b, d), right23 = _mm256_unpackhi_epi32(b, d);
    r[0] = _mm256_unpacklo_epi64(left01, right01);
    r[1] = _mm256_unpackhi_epi64(left01, right01);
    r[2] = _mm256_unpacklo_epi64(left23, right23);
    r[3] = _mm256_unpackhi_epi64(left23, right23);
}

inline __m256i load_two(const std::int16_t* first, const std::int16_t* second) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(load16(first)), load16(second), 1);
}

inline void store_two(std::int16_t* first, std::int16_t* second, __m256i x) {
    store16(first, _mm256_castsi256_si128(x));
    store16(second, _mm256_extracti128_si256(x, 1));
}

// The cells of two blocks: cell (cy, cx) of the first is at top + cy * row + cx * pixel, the
// second's are 2 pixels on.
inline void load_luma(const std::int16_t* cells, std::ptrdiff_t row, std::ptrdiff_t pixel,
                      __m256i* rows) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {  // two rows of pixels each
        const std::int16_t* const at = cells + (i / 2) * row + 8 * (i % 2);
        const __m256i left = load_two(at, at + 2 * pixel),
                      right = load_two(at + pixel, at + 3 * pixel);
        rows[2 * i] = _mm256_unpacklo_epi64(left, right);
        rows[2 * i + 1] = _mm256_unpackhi_epi64(left, right);
    }
}

inline void store_luma(std::int16_t* cells, std::ptrdiff_t row, std::ptrdiff_t pixel,
                       const __m256i* rows) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        std::int16_t* const at = cells + (i / 2) * row + 8 * (i % 2);
        store_two(at, at + 2 * pixel, _mm256_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]));
        store_two(at + pixel, at + 3 * pixel, _mm256_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]));
    }
}

// Rows of chroma hold 4 samples of U, then 4 of V.
inline void load_chroma(const std::int16_t* cells, std::ptrdiff_t row, std::ptrdiff_t pixel,
                        __m256i* rows) {
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
        const std::int16_t* const at = cells + i * row + 16;
        const __m256i left = load_two(at, at + 2 * pixel),
                      right = load_two(at + pixel, at + 3 * pixel);
        const __m256i us = _mm256_unpacklo_epi32(left, right),
                      vs = _mm256_unpackhi_epi32(left, right);
        rows[2 * i] = _mm256_unpacklo_epi64(us, vs);
        rows[2 * i + 1] = _mm256_unpackhi_epi64(us, vs);
    }
}

inline void store_chroma(std::int16_t* cells, std::ptrdiff_t row, std::ptrdiff_t pixel,
                         const __m256i* rows) {
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
        std::int16_t* const at = cells + i * row + 16;
        const __m256i us = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
        const __m256i vs = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
        store_two(at, at + 2 * pixel, _mm256_unpacklo_epi64(us, vs));
        store_two(at + pixel, at + 3 * pixel, _mm256_unpackhi_epi64(us, vs));
    }
}

inline void forward_pairs(ConstCellRow cells, std::size_t count, std::int16_t* coefficients) {
    for (std::size_t block = 0; block < count; block += 2) {
        const std::int16_t* const at = cells.data + offset(2 * block) * cells.pixel;
        std::int16_t *const first = coefficients + block * kChannels, *const second =
                                                                          first + kChannels;
        __m256i rows[8];
        load_luma(at, cells.row, cells.pixel, rows);
        forward8<kForward1>(rows);
        transpose8(rows);
        forward8<kForward2>(rows);
        transpose8(rows);
#pragma GCC unroll 8
        for (int u = 0; u < 8; ++u) store_two(first + 8 * u, second + 8 * u, rows[u]);
        load_chroma(at, cells.row, cells.pixel, rows);
        forward4<kForward1>(rows);
        transpose4(rows);
        forward4<kForward2>(rows);
        transpose4(rows);
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {  // U's rows 2i and 2i + 1, and V's
            const __m256i us = _mm256_unpacklo_epi64(rows[2 * i], rows[2 * i + 1]);
            const __m256i vs = _mm256_unpackhi_epi64(rows[2 * i], rows[2 * i + 1]);
            store_two(first + 64 + 8 * i, second + 64 + 8 * i, us);
            store_two(first + 80 + 8 * i, second + 80 + 8 * i, vs);
        }
    }
}

inline __m256i limit_residual(__m256i x) {
    return _mm256_max_epi16(_mm256_min_epi16(x, _mm256_set1_epi16(kResidualLimit)),
                            _mm256_set1_epi16(-kResidualLimit));
}

inline bool is_zero(const std::int16_t* coefficients, std::size_t count) {
    __m256i any = _mm256_setzero_si256();
    for (std::size_t i = 0; i < count; i += 16) {
        any = _mm256_or_si256(
            any, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(coefficients + i)));
    }
    return _mm256_testz_si256(any, any) != 0;
}

// Zeros are what zeros give.
inline void clear_cells(std::int16_t* cells, std::ptrdiff_t row, std::ptrdiff_t pixel) {
    for (int i = 0; i < 8; ++i) {
        store_cell(cells + (i / 4) * row + (i % 4) * pixel, _mm256_setzero_si256(),
                   _mm_setzero_si128());
    }
}

inline void inverse_pairs(const std::int16_t* coefficients, std::size_t count, CellRow cells) {
    for (std::size_t block = 0; block < count; block += 2) {
        std::int16_t* const at = cells.data + offset(2 * block) * cells.pixel;
        const std::int16_t *const first = coefficients + block * kChannels, *const second =
                                                                                first + kChannels;
        if (is_zero(first, 2 * kChannels)) {
            clear_cells(at, cells.row, cells.pixel);
            continue;
        }
        __m256i rows[8];
#pragma GCC unroll 8
        for (int u = 0; u < 8; ++u) rows[u] = load_two(first + 8 * u, second + 8 * u);
        inverse8<kInverse1>(rows);
        transpose8(rows);
        inverse8<kInverse2>(rows);
        transpose8(rows);
#pragma GCC unroll 8
        for (int y = 0; y < 8; ++y) rows[y] = limit_residual(rows[y]);
        store_luma(at, cells.row, cells.pixel, rows);
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
            const __m256i us = load_two(first + 64 + 8 * i, second + 64 + 8 * i);
            const __m256i vs = load_two(first + 80 + 8 * i, second + 80 + 8 * i);
            rows[2 * i] = _mm256_unpacklo_epi64(us, vs);
            rows[2 * i + 1] = _mm256_unpackhi_epi64(us, vs);
        }
        inverse4<kInverse1>(rows);
        transpose4(rows);
        inverse4<kInverse2>(rows);
        transpose4(rows);
#pragma GCC unroll 4
        for (int y = 0; y < 4; ++y) rows[y] = limit_residual(rows[y]);
        store_chroma(at, cells.row, cells.pixel, rows);
    }
}

}  // namespace

}  // namespace streamcodec::frame
