// What a vector is for AVX2, and with STREAMCODEC_ENGINE_VNNI for AVX-VNNI. See loops.hpp.
#pragma once

#include <immintrin.h>

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

struct Simd {
    using Ints = __m256i;
    using Short = Short16;
    using Wide = Short16;
    static constexpr std::size_t kLanes = 8, kMostVectors = 4;
    static constexpr std::size_t kPixels[] = {0, 8, 6, 4, 3};
    static constexpr bool kHasManyRegisters = false;
    static constexpr std::size_t kRowTiles[] = {0, 0, 0, 0, 0};

    static std::size_t block(std::size_t vectors) {
        if (vectors % 4 == 0 || vectors > 6) return 4;
        return vectors > 4 ? 3 : vectors;
    }

    static std::size_t winograd_block(std::size_t vectors) { return block(vectors); }

    static Ints load(const void* from) {
        return _mm256_loadu_si256(static_cast<const __m256i*>(from));
    }
    // Makes the compiler forget what it knows of a.
    static void hide(Ints& a) { asm volatile("" : "+x"(a)); }
    static Ints load_weights(const std::int16_t* from) { return load(from); }
    static void store(std::int32_t* to, Ints a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a);
    }
    static Ints zero() { return _mm256_setzero_si256(); }
    static Ints add(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
    static Ints sub(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
    static Ints pair(const std::int16_t* from) {
        std::int32_t pair;
        __builtin_memcpy(&pair, from, sizeof pair);
        return _mm256_set1_epi32(pair);
    }
    static Ints multiply_add(Ints sums, Ints x, Ints w) {
#ifdef STREAMCODEC_ENGINE_VNNI
        return _mm256_dpwssd_avx_epi32(sums, x, w);
#else
        return _mm256_add_epi32(sums, _mm256_madd_epi16(x, w));
#endif
    }

    static void finish(Ints sums, const std::int32_t* shift, const std::int16_t* added,
                       std::int32_t low, std::int32_t high, std::int16_t* output,
                       std::size_t count) {
        Ints a = _mm256_srav_epi32(sums, load(shift));
        const bool is_whole = count >= kLanes;
        alignas(16) std::int16_t some[kLanes] = {};
        if (added != nullptr) {
            if (!is_whole) copy(some, added, count);
            const std::int16_t* const from = is_whole ? added : some;
            a = add(a,
                    _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
        }
        a = _mm256_min_epi32(_mm256_max_epi32(a, _mm256_set1_epi32(low)), _mm256_set1_epi32(high));
        const __m128i packed =
            _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(is_whole ? output : some), packed);
        if (!is_whole) copy(output, some, count);
    }

  private:
    static void copy(std::int16_t* to, const std::int16_t* from, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
    }
};

}  // namespace

}  // namespace streamcodec::engine
