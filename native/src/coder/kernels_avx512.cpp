// Group loops for AVX-512 (F): 32 lanes in two vectors, which run side by side. Compiled with
// -mavx512f (see kernels.hpp).
#ifdef STREAMCODEC_SIMDE
#include "simde_avx512.hpp"
#else
#include <immintrin.h>
#endif

#include "coder/kernels.hpp"
#include "coder/layout.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kWidth = 16;  // lanes in a vector

inline __m512i load(const void* from) { return _mm512_loadu_si512(from); }
inline __m256i load_half(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
inline void store(void* to, __m512i x) { _mm512_storeu_si512(to, x); }
inline __m512i gather(const void* base, __m512i numbers) {
    return _mm512_i32gather_epi32(numbers, base, 4);
}
inline __m512i start_of(__m512i entry) {
    return _mm512_and_si512(entry, _mm512_set1_epi32(kEntryMask));
}
inline __m512i frequency_of(__m512i entry) {
    return start_of(_mm512_srli_epi32(entry, kProbabilityBits));
}
inline std::size_t bytes_of(__mmask16 lanes) {
    return 2 * static_cast<std::size_t>(__builtin_popcount(lanes));
}

// x div frequency and what remains. The quotient is below 2^17, so a float quotient is at most one
// off.
struct Quotient {
    __m512i quotient, rest;
};

inline Quotient divide(__m512i x, __m512i frequency) {
    const __m512i one = _mm512_set1_epi32(1);
    __m512i quotient =
        _mm512_cvttps_epi32(_mm512_div_ps(_mm512_cvtepi32_ps(x), _mm512_cvtepi32_ps(frequency)));
    __m512i rest = _mm512_sub_epi32(x, _mm512_mullo_epi32(quotient, frequency));
    const __mmask16 too_large = _mm512_cmpgt_epi32_mask(_mm512_setzero_si512(), rest);
    quotient = _mm512_mask_sub_epi32(quotient, too_large, quotient, one);
    rest = _mm512_mask_add_epi32(rest, too_large, rest, frequency);
    const __mmask16 too_small = _mm512_cmpge_epi32_mask(rest, frequency);
    quotient = _mm512_mask_add_epi32(quotient, too_small, quotient, one);
    rest = _mm512_mask_sub_epi32(rest, too_small, rest, frequency);
    return {quotient, rest};
}

// Writes the low halves of the lanes in `set` below `words`, in the order of the lanes.
inline std::uint8_t* put_words(std::uint8_t* words, __m512i x, __mmask16 set) {
    // Moved to the upper end of the vector by expanding the compressed lanes into its last places.
    const unsigned count = static_cast<unsigned>(__builtin_popcount(set));
    const auto upper = static_cast<__mmask16>(0xffff0000u >> count);
    const __m512i together = _mm512_maskz_expand_epi32(upper, _mm512_maskz_compress_epi32(set, x));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(words - 2 * kWidth),
                        _mm512_cvtepi32_epi16(together));
    return words - bytes_of(set);
}

inline __m512i encode(__m512i x, __m512i entry, std::uint8_t*& words) {
    const __m512i frequency = frequency_of(entry);
    const __m512i limit =
        _mm512_slli_epi32(frequency, kStateBits + 16 - kProbabilityBits);  // below 2^31
    const __mmask16 set = _mm512_cmpge_epi32_mask(x, limit);
    words = put_words(words, x, set);
    x = _mm512_mask_srli_epi32(x, set, x, 16);
    const Quotient q = divide(x, frequency);
    return _mm512_add_epi32(
        _mm512_add_epi32(_mm512_slli_epi32(q.quotient, kProbabilityBits), q.rest), start_of(entry));
}

// The buckets at sixteen places.
struct Buckets {
    __m512i entry, value;
};

inline Buckets buckets_at(const std::uint64_t* buckets, __m512i places) {
    const __m512i low = _mm512_i32gather_epi64(_mm512_castsi512_si256(places), buckets, 8);
    const __m512i high = _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(places, 1), buckets, 8);
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    return {_mm512_permutex2var_epi32(low, even, high), _mm512_permutex2var_epi32(low, odd, high)};
}

// Decodes one symbol of each of the sixteen lanes, the first of which is symbol `i` of the job.
inline __m512i decode(DecodeJob& job, std::size_t i, __m512i x) {
    const __m512i row = _mm512_cvtepu16_epi32(load_half(job.indexes + i));
    const __m512i slot = _mm512_and_si512(x, _mm512_set1_epi32(kEntryMask));
    const __m512i place =
        _mm512_or_si512(_mm512_slli_epi32(row, kBucketBits), _mm512_srli_epi32(slot, kBucketShift));
    const Buckets bucket = buckets_at(job.buckets, place);
    __m512i entry = bucket.entry;
    __m512i value = bucket.value;
    __m512i rest = _mm512_sub_epi32(slot, start_of(entry));
    __mmask16 beyond = _mm512_cmpge_epi32_mask(rest, frequency_of(entry));
    if (beyond != 0) {
        const __m512i bias = gather(job.biases, row);
        do {
            value = _mm512_mask_add_epi32(value, beyond, value, _mm512_set1_epi32(1));
            entry = gather(job.entries, _mm512_sub_epi32(value, bias));
            rest = _mm512_sub_epi32(slot, start_of(entry));
            beyond = _mm512_cmpge_epi32_mask(rest, frequency_of(entry));
        } while (beyond != 0);
    }
    store(job.symbols + i, value);
    unsigned escaped = _mm512_cmpgt_epi32_mask(_mm512_setzero_si512(), entry);
    for (; escaped != 0; escaped &= escaped - 1) {
        job.escapes[job.escape_count++] =
            static_cast<std::uint32_t>(i) + static_cast<unsigned>(__builtin_ctz(escaped));
    }
    x = _mm512_add_epi32(
        _mm512_mullo_epi32(frequency_of(entry), _mm512_srli_epi32(x, kProbabilityBits)), rest);

    const __mmask16 low = _mm512_cmpgt_epi32_mask(_mm512_set1_epi32(kFirstState), x);
    const __m512i next =
        _mm512_maskz_expand_epi32(low, _mm512_cvtepu16_epi32(load_half(job.words)));
    job.words += bytes_of(low);
    return _mm512_mask_or_epi32(x, low, _mm512_slli_epi32(x, 16), next);
}

}  // namespace

std::uint8_t* encode_groups_avx512(const std::uint32_t* entries, std::size_t count,
                                   std::uint32_t* states, std::uint8_t* words) {
    __m512i x0 = load(states), x1 = load(states + kWidth);
    for (const std::uint32_t* group = entries + count * kGroup; group != entries;) {
        group -= kGroup;
        x1 = encode(x1, load(group + kWidth), words);
        x0 = encode(x0, load(group), words);
    }
    store(states, x0), store(states + kWidth, x1);
    return words;
}

void decode_groups_avx512(DecodeJob& job, const std::uint8_t* limit) {
    DecodeJob at = job;
    __m512i x0 = load(job.states), x1 = load(job.states + kWidth);
    for (; at.count - at.done >= kGroup && at.words <= limit; at.done += kGroup) {
        x0 = decode(at, at.done, x0);
        x1 = decode(at, at.done + kWidth, x1);
    }
    store(job.states, x0), store(job.states + kWidth, x1);
    job = at;
}

}  // namespace streamcodec
