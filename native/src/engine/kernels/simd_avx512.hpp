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

// 16 int16.
struct Short16 {
    using Vector = __m256i;
    static constexpr std::size_t kSize = 16;
    static Vector load(const std::int16_t* from) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    }
    static void store(std::int16_t* to, Vector a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a);
    }
    static Vector add(Vector a, Vector b) { return _mm256_add_epi16(a, b); }
    static Vector sub(Vector a, Vector b) { return _mm256_sub_epi16(a, b); }
};

// 32 int16.
struct Short32 {
    using Vector = __m512i;
    static constexpr std::size_t kSize = 32;
    static Vector load(const std::int16_t* from) { return _mm512_loadu_si512(from); }
    static void store(std::int16_t* to, Vector a) { _mm512_storeu_si512(to, a); }
    static Vector add(Vector a, Vector b) { return _mm512_add_epi16(a, b); }
    static Vector sub(Vector a, Vector b) { return _mm512_sub_epi16(a, b); }
};

struct Simd {
    using Ints = __m512i;
    using Short = Short16;
    using Wide = Short32;
    static constexpr std::size_t kLanes = 16, kMostVectors = 3;
    static constexpr std::size_t kPixels[] = {0, 12, 12, 8};
    static constexpr bool kHasManyRegisters = true;
    static constexpr std::size_t kRowTiles[] = {0, 6, 3, 2};

    static std::size_t block(std::size_t vectors) {
        if (vectors < 4) return vectors;
        return vectors % 2 == 0 ? 2 : 3;
    }

    // Two rather than three: 48 weights of four places each do not leave room for enough sums.
    static std::size_t winograd_block(std::size_t vectors) { return vectors < 4 ? vectors : 2; }

    static Ints load(const void* from) { return _mm512_loadu_si512(from); }
    // Makes the compiler forget what it knows of a.
    static void hide([[maybe_unused]] Ints& a) {
#ifdef __AVX512F__
        asm volatile("" : "+v"(a));
#endif
    }
    // Weights for several pixels: else GCC loads them anew for each.
    static Ints load_weights(const std::int16_t* from) {
        Ints w = load(from);
        hide(w);
        return w;
    }
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
            Short16::store(output, packed);
        } else {
            _mm256_mask_storeu_epi16(output, mask, packed);
        }
    }
};

}  // namespace

}  // namespace streamcodec::engine
