// Pixels to cells and back with AVX2, four cells at a time. Included by the files for AVX2 and
// AVX-512, with internal linkage.
#pragma once

#include <immintrin.h>

#include "frame/kernels/kernels.hpp"
#include "frame/kernels/loops.hpp"

namespace streamcodec::frame {

namespace {

inline __m128i load16(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
inline __m128i load8(const void* from) {
    return _mm_loadl_epi64(static_cast<const __m128i*>(from));
}
inline void store16(void* to, __m128i x) { _mm_storeu_si128(static_cast<__m128i*>(to), x); }
inline void store8(void* to, __m128i x) { _mm_storel_epi64(static_cast<__m128i*>(to), x); }

// Bytes of four cells in the order of their channels.
struct FourCells {
    __m128i luma[4];    // a cell each
    __m128i chroma[2];  // two cells each: 4 bytes of U, 4 of V
};

inline FourCells load_cells(const PixelRow& pixels, std::size_t x) {
    const std::uint8_t* const luma = pixels.luma + 4 * x;
    const __m128i r0 = load16(luma), r1 = load16(luma + pixels.luma_stride);
    const __m128i r2 = load16(luma + 2 * pixels.luma_stride),
                  r3 = load16(luma + 3 * pixels.luma_stride);
    const __m128i low01 = _mm_unpacklo_epi32(r0, r1), high01 = _mm_unpackhi_epi32(r0, r1);
    const __m128i low23 = _mm_unpacklo_epi32(r2, r3), high23 = _mm_unpackhi_epi32(r2, r3);
    const std::uint8_t *const u = pixels.u + 2 * x, *const v = pixels.v + 2 * x;
    const __m128i us = _mm_unpacklo_epi16(load8(u), load8(u + pixels.chroma_stride));
    const __m128i vs = _mm_unpacklo_epi16(load8(v), load8(v + pixels.chroma_stride));
    return {{_mm_unpacklo_epi64(low01, low23), _mm_unpackhi_epi64(low01, low23),
             _mm_unpacklo_epi64(high01, high23), _mm_unpackhi_epi64(high01, high23)},
            {_mm_unpacklo_epi32(us, vs), _mm_unpackhi_epi32(us, vs)}};
}

inline __m128i chroma_of(const FourCells& cells, std::size_t cell) {
    const __m128i pair = cells.chroma[cell / 2];
    return _mm_cvtepu8_epi16(cell % 2 == 0 ? pair : _mm_srli_si128(pair, 8));
}

inline void store_cell(std::int16_t* to, __m256i luma, __m128i chroma) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), luma);
    store16(to + 16, chroma);
}

inline void pack4cells(const PixelRow& pixels, std::size_t count, CellRow to) {
    const __m256i middle = _mm256_set1_epi16(128);
    for (std::size_t x = 0; x < count; x += 4) {
        const FourCells cells = load_cells(pixels, x);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) {
            store_cell(to.data + offset(x + i) * to.pixel,
                       _mm256_sub_epi16(_mm256_cvtepu8_epi16(cells.luma[i]), middle),
                       _mm_sub_epi16(chroma_of(cells, i), _mm256_castsi256_si128(middle)));
        }
    }
}

inline void pack4cells_difference(const PixelRow& pixels, const PixelRow& other, std::size_t count,
                                  CellRow to) {
    for (std::size_t x = 0; x < count; x += 4) {
        const FourCells cells = load_cells(pixels, x), others = load_cells(other, x);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) {
            store_cell(to.data + offset(x + i) * to.pixel,
                       _mm256_sub_epi16(_mm256_cvtepu8_epi16(cells.luma[i]),
                                        _mm256_cvtepu8_epi16(others.luma[i])),
                       _mm_sub_epi16(chroma_of(cells, i), chroma_of(others, i)));
        }
    }
}

inline void store_cells(const FourCells& cells, const PixelRow& to, std::size_t x) {
    const __m128i low01 = _mm_unpacklo_epi32(cells.luma[0], cells.luma[1]);
    const __m128i high01 = _mm_unpackhi_epi32(cells.luma[0], cells.luma[1]);
    const __m128i low23 = _mm_unpacklo_epi32(cells.luma[2], cells.luma[3]);
    const __m128i high23 = _mm_unpackhi_epi32(cells.luma[2], cells.luma[3]);
    auto* const luma = const_cast<std::uint8_t*>(to.luma) + 4 * x;
    store16(luma, _mm_unpacklo_epi64(low01, low23));
    store16(luma + to.luma_stride, _mm_unpackhi_epi64(low01, low23));
    store16(luma + 2 * to.luma_stride, _mm_unpacklo_epi64(high01, high23));
    store16(luma + 3 * to.luma_stride, _mm_unpackhi_epi64(high01, high23));
    // Of each cell, by two bytes: U's two rows, V's two rows. Gathered to rows of 8 bytes.
    const __m128i rows = _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
    const __m128i first = _mm_shuffle_epi8(cells.chroma[0], rows),
                  last = _mm_shuffle_epi8(cells.chroma[1], rows);
    const __m128i us = _mm_unpacklo_epi32(first, last), vs = _mm_unpackhi_epi32(first, last);
    auto *const u = const_cast<std::uint8_t*>(to.u) + 2 * x, *const v =
                                                                 const_cast<std::uint8_t*>(to.v) +
                                                                 2 * x;
    store8(u, us);
    store8(u + to.chroma_stride, _mm_srli_si128(us, 8));
    store8(v, vs);
    store8(v + to.chroma_stride, _mm_srli_si128(vs, 8));
}

inline __m256i add_residual(__m256i residual, __m256i base) {
    const __m256i rounded = _mm256_srai_epi16(_mm256_adds_epi16(residual, _mm256_set1_epi16(8)), 4);
    return _mm256_add_epi16(_mm256_add_epi16(base, _mm256_set1_epi16(128)), rounded);
}

inline void unpack4cells(ConstCellRow residual, ConstCellRow base, std::size_t count,
                         const PixelRow& to) {
    const std::int16_t zeros[kCellChannels] = {};
    for (std::size_t x = 0; x < count; x += 4) {
        FourCells cells;
        __m128i chroma[4];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i) {
            const std::int16_t* const from = residual.data + offset(x + i) * residual.pixel;
            const std::int16_t* const below =
                base.data == nullptr ? zeros : base.data + offset(x + i) * base.pixel;
            const __m256i luma =
                add_residual(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)),
                             _mm256_loadu_si256(reinterpret_cast<const __m256i*>(below)));
            cells.luma[i] =
                _mm_packus_epi16(_mm256_castsi256_si128(luma), _mm256_extracti128_si256(luma, 1));
            chroma[i] =
                _mm256_castsi256_si128(add_residual(_mm256_castsi128_si256(load16(from + 16)),
                                                    _mm256_castsi128_si256(load16(below + 16))));
        }
        cells.chroma[0] = _mm_packus_epi16(chroma[0], chroma[1]);
        cells.chroma[1] = _mm_packus_epi16(chroma[2], chroma[3]);
        store_cells(cells, to, x);
    }
}

}  // namespace

}  // namespace streamcodec::frame
