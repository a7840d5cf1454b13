// What a vector is for AVX-512 (F, BW, VL), and with STREAMCODEC_ENGINE_VNNI for its VNNI. See
// loops.hpp.
#pragma once

#ifdef STREAMCODEC_SIMDE
#include "simde_avx512.hpp"
#else
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

namespace streamcodec::engine {

namespace {

struct Simd {
    using Ints = __m512i;
    using Shorts = __m256i;
    static constexpr std::size_t kLanes = 16, kShorts = 16;
    static constexpr std::size_t kPixels[] = {0, 12, 12, 8, 6};

    static std::size_t block(std::size_t vectors) {
        if (vectors % 4 == 0 || vectors > 6) return 4;
        return vectors > 4 ? 3 : vectors;
    }

    static Ints load(const void* from) { return _mm512_loadu_si512(from); }
    static void store(std::int32_t* to, Ints a) { _mm512_storeu_si512(to, a); }
    static Ints zero() { return _mm512_setzero_si512(); }
    static Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
    static Ints sub(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
    static Ints pair(const std::int16_t* from) {
        std::int32_t pair;
        __builtin_memcpy(&pair, from, sizeof pair);
        return _mm512_set1_epi32(pair);
    }
    static Ints multiply_add(Ints sums, Ints x, Ints w) {
#ifdef STREAMCODEC_ENGINE_VNNI
        return _mm512_dpwssd_epi32(sums, x, w);
#else
        return _mm512_add_epi32(sums, _mm512_madd_epi16(x, w));
#endif
    }

    static Shorts load_shorts(const std::int16_t* from) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store_shorts(std::int16_t* to, Shorts a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a);
    }
    static Shorts add_shorts(Shorts a, Shorts b) { return _mm256_add_epi16(a, b); }
    static Shorts sub_shorts(Shorts a, Shorts b) { return _mm256_sub_epi16(a, b); }

    static void finish(Ints sums, const std::int32_t* shift, const std::int16_t* added,
                       std::int32_t low, std::int32_t high, std::int16_t* output,
                       std::size_t count) {
        const auto mask = static_cast<__mmask16>(count >= kLanes ? 0xffffu : (1u << count) - 1);
        Ints a = _mm512_srav_epi32(sums, load(shift));
        if (added != nullptr)
            a = add(a, _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, added)));
        a = _mm512_min_epi32(_mm512_max_epi32(a, _mm512_set1_epi32(low)), _mm512_set1_epi32(high));
        const __m256i packed = _mm512_cvtepi32_epi16(a);
        if (count >= kLanes) {
            store_shorts(output, packed);
        } else {
            _mm256_mask_storeu_epi16(output, mask, packed);
        }
    }
};

}  // namespace

}  // namespace streamcodec::engine
