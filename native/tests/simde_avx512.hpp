// AVX-512 intrinsics in portable code, so that the AVX-512 loops can be tested on any x86 CPU
// (option STREAMCODEC_SIMDE). Most come from SIMDe (Debian: libsimde-dev). Those that its release
// 0.7.4 lacks follow here, lane by lane.
#pragma once

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>

#include <cstdint>
#include <cstring>

namespace simde_supplement {

template <typename To, typename From>
To as(const From& from) {
    static_assert(sizeof(To) == sizeof(From));
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

template <typename T, std::size_t kLanes>
struct Lanes {
    T lane[kLanes];
};
using Ints = Lanes<std::int32_t, 16>;
using Floats = Lanes<float, 16>;
using Longs = Lanes<std::int64_t, 8>;
using HalfInts = Lanes<std::int32_t, 8>;
using Words = Lanes<std::uint16_t, 16>;

template <typename To, typename From, typename Convert>
To map(const From& from, Convert convert) {
    To to;
    for (std::size_t i = 0; i < sizeof to.lane / sizeof to.lane[0]; ++i) {
        to.lane[i] = static_cast<std::decay_t<decltype(to.lane[0])>>(convert(from.lane[i]));
    }
    return to;
}

inline __m256i cvtepi32_epi16(__m512i a) {
    return as<__m256i>(map<Words>(as<Ints>(a), [](std::int32_t x) { return x & 0xffff; }));
}
inline __m512 cvtepi32_ps(__m512i a) {
    return as<__m512>(
        map<Floats>(as<Ints>(a), [](std::int32_t x) { return static_cast<float>(x); }));
}
inline __m512i cvttps_epi32(__m512 a) {
    return as<__m512i>(
        map<Ints>(as<Floats>(a), [](float x) { return static_cast<std::int32_t>(x); }));
}
inline __m512i cvtepu16_epi32(__m256i a) {
    return as<__m512i>(map<Ints>(as<Words>(a), [](std::uint16_t x) { return x; }));
}
inline __m512i gather_epi32(__m512i index, const void* base, int) {
    return as<__m512i>(map<Ints>(as<Ints>(index), [=](std::int32_t i) {
        return static_cast<const std::int32_t*>(base)[i];
    }));
}
inline __m512i gather_epi64(__m256i index, const void* base, int) {
    return as<__m512i>(map<Longs>(as<HalfInts>(index), [=](std::int32_t i) {
        return static_cast<const std::int64_t*>(base)[i];
    }));
}
inline __m512i madd_epi16(__m512i a, __m512i b) {
    const __m256i low = _mm256_madd_epi16(_mm512_castsi512_si256(a), _mm512_castsi512_si256(b));
    const __m256i high =
        _mm256_madd_epi16(_mm512_extracti64x4_epi64(a, 1), _mm512_extracti64x4_epi64(b, 1));
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}
inline __m512i srav_epi32(__m512i a, __m512i count) {
    const Ints shift = as<Ints>(count);
    Ints shifted = as<Ints>(a);
    for (std::size_t i = 0; i < 16; ++i) shifted.lane[i] >>= shift.lane[i];
    return as<__m512i>(shifted);
}
inline __m512i cvtepi16_epi32(__m256i a) {
    return as<__m512i>(
        map<Ints>(as<Words>(a), [](std::uint16_t x) { return static_cast<std::int16_t>(x); }));
}
inline __m256i maskz_loadu_epi16(__mmask16 mask, const void* from) {
    Words a{};
    for (unsigned i = 0; i < 16; ++i) {
        if ((mask >> i & 1) != 0)
            std::memcpy(&a.lane[i], static_cast<const char*>(from) + 2 * i, 2);
    }
    return as<__m256i>(a);
}
inline void mask_storeu_epi16(void* to, __mmask16 mask, __m256i a) {
    const Words words = as<Words>(a);
    for (unsigned i = 0; i < 16; ++i) {
        if ((mask >> i & 1) != 0) std::memcpy(static_cast<char*>(to) + 2 * i, &words.lane[i], 2);
    }
}
inline __m512i cvtepi32_epi64(__m256i a) {
    return as<__m512i>(map<Longs>(as<HalfInts>(a), [](std::int32_t x) { return std::int64_t{x}; }));
}
inline __m512i mask_srli_epi32(__m512i source, __mmask16 mask, __m512i a, unsigned count) {
    return _mm512_mask_mov_epi32(source, mask, _mm512_srli_epi32(a, count));
}
inline __m512i maskz_expand_epi32(__mmask16 mask, __m512i a) {
    const Ints from = as<Ints>(a);
    Ints to{};
    for (unsigned i = 0, next = 0; i < 16; ++i) {
        if ((mask >> i & 1) != 0) to.lane[i] = from.lane[next++];
    }
    return as<__m512i>(to);
}

}  // namespace simde_supplement

#define _mm512_cvtepi32_epi16 simde_supplement::cvtepi32_epi16
#define _mm256_mask_storeu_epi16 simde_supplement::mask_storeu_epi16
#define _mm256_maskz_loadu_epi16 simde_supplement::maskz_loadu_epi16
#define _mm512_cvtepi16_epi32 simde_supplement::cvtepi16_epi32
#define _mm512_srav_epi32 simde_supplement::srav_epi32
#define _mm512_cvtepi32_epi64 simde_supplement::cvtepi32_epi64
#define _mm512_cvtepi32_ps simde_supplement::cvtepi32_ps
#define _mm512_cvttps_epi32 simde_supplement::cvttps_epi32
#define _mm512_cvtepu16_epi32 simde_supplement::cvtepu16_epi32
#define _mm512_i32gather_epi32 simde_supplement::gather_epi32
#define _mm512_i32gather_epi64 simde_supplement::gather_epi64
#undef _mm512_madd_epi16  // SIMDe's has the arguments of the masked form
#define _mm512_madd_epi16 simde_supplement::madd_epi16
#define _mm512_mask_srli_epi32 simde_supplement::mask_srli_epi32
#define _mm512_maskz_expand_epi32 simde_supplement::maskz_expand_epi32
