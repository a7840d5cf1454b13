// Loops over the rows of symbols in AVX2. As in loops.hpp, everything has internal linkage.
#pragma once

#include <immintrin.h>

#include "frame/kernels/kernels.hpp"

namespace streamcodec::frame {

namespace {

inline __m256i load_words(const std::int16_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

inline void move_rows_avx2(const std::int16_t* from, const std::int16_t* shifts,
                           std::uint8_t* given, std::uint16_t* moved) {
    const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi16(1),
                  last = _mm256_set1_epi16(kScaleRows - 1);
    for (std::size_t i = 0; i < kChannels; i += 16) {
        const __m256i row = _mm256_min_epi16(_mm256_max_epi16(load_words(from + i), zero), last);
        __m256i shift = load_words(shifts + i);
        for (std::size_t c = 1; c < kRowClasses; ++c) {
            const __m256i is_below = _mm256_cmpgt_epi16(_mm256_set1_epi16(kFirstOfClass[c]), row);
            shift = _mm256_blendv_epi8(load_words(shifts + c * kChannels + i), shift, is_below);
        }
        const __m256i to =
            _mm256_min_epi16(_mm256_max_epi16(_mm256_add_epi16(row, shift), one), last);
        const __m256i is_certain = _mm256_cmpeq_epi16(row, zero);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(moved + i),
                            _mm256_andnot_si256(is_certain, to));
        const __m128i bytes =
            _mm_packus_epi16(_mm256_castsi256_si128(row), _mm256_extracti128_si256(row, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(given + i), bytes);
    }
}

inline void add_costs_avx2(const std::uint8_t* rows, const std::int32_t* symbols,
                           const std::uint16_t* costs, const std::uint8_t* places,
                           std::int32_t* sums) {
    static_assert(kShifts == 8);
    for (std::size_t i = 0; i < kChannels; ++i, sums += kRowClasses * kShifts) {
        const std::size_t row = rows[i];
        const auto magnitude = static_cast<std::size_t>(symbols[i] < 0 ? -symbols[i] : symbols[i]);
        auto* const from =
            reinterpret_cast<const __m128i*>(costs + (row * kNearMagnitudes + magnitude) * kShifts);
        auto* const to = reinterpret_cast<__m256i*>(sums + places[row]);
        const __m256i added = _mm256_cvtepu16_epi32(_mm_loadu_si128(from));
        _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to), added));
    }
}

}  // namespace

}  // namespace streamcodec::frame
