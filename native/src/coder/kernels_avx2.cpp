// Group loops for AVX2: 32 lanes in four vectors, which run side by side. Compiled with -mavx2 (see
// kernels.hpp).
#include <immintrin.h>

#include "coder/kernels.hpp"
#include "coder/layout.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kWidth = 8;  // lanes in a vector

// For each set of lanes: how words are dealt to its lanes, and how the words of its lanes are moved
// together.
struct Shuffles {
    alignas(
        64) std::uint8_t deal[256][kWidth];  // lane -> which of the next words, for permutevar8x32
    alignas(64) std::uint8_t
        gather[256][2 * kWidth];  // bytes for pshufb: the words of the set, at the upper end
};

constexpr Shuffles make_shuffles() {
    Shuffles shuffles{};
    for (unsigned set = 0; set < 256; ++set) {
        unsigned words = 0;
        for (unsigned lane = 0; lane < kWidth; ++lane) {
            shuffles.deal[set][lane] = static_cast<std::uint8_t>(words);
            words += set >> lane & 1;
        }
        unsigned place = kWidth - words;
        for (unsigned lane = 0; lane < kWidth; ++lane) {
            if ((set >> lane & 1) == 0) continue;
            shuffles.gather[set][2 * place] = static_cast<std::uint8_t>(2 * lane);
            shuffles.gather[set][2 * place + 1] = static_cast<std::uint8_t>(2 * lane + 1);
            ++place;
        }
    }
    return shuffles;
}

constexpr Shuffles kShuffles = make_shuffles();

inline __m256i load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
inline __m128i load_half(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
inline void store(void* to, __m256i x) { _mm256_storeu_si256(static_cast<__m256i*>(to), x); }
inline unsigned lanes_of(__m256i mask) {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
}
inline __m256i gather(const void* base, __m256i numbers) {
    return _mm256_i32gather_epi32(static_cast<const int*>(base), numbers, 4);
}
inline __m256i start_of(__m256i entry) {
    return _mm256_and_si256(entry, _mm256_set1_epi32(kEntryMask));
}
inline __m256i frequency_of(__m256i entry) {
    return start_of(_mm256_srli_epi32(entry, kProbabilityBits));
}

// x div frequency and what remains. The quotient is below 2^17, so a float quotient is at most one
// off.
struct Quotient {
    __m256i quotient, rest;
};

inline Quotient divide(__m256i x, __m256i frequency) {
    __m256i quotient =
        _mm256_cvttps_epi32(_mm256_div_ps(_mm256_cvtepi32_ps(x), _mm256_cvtepi32_ps(frequency)));
    __m256i rest = _mm256_sub_epi32(x, _mm256_mullo_epi32(quotient, frequency));
    const __m256i too_large = _mm256_srai_epi32(rest, 31);  // -1 where the rest is negative
    quotient = _mm256_add_epi32(quotient, too_large);
    rest = _mm256_add_epi32(rest, _mm256_and_si256(frequency, too_large));
    const __m256i small_enough = _mm256_cmpgt_epi32(frequency, rest);
    const __m256i too_small = _mm256_xor_si256(small_enough, _mm256_set1_epi32(-1));
    quotient = _mm256_sub_epi32(quotient, too_small);
    rest = _mm256_sub_epi32(rest, _mm256_and_si256(frequency, too_small));
    return {quotient, rest};
}

// Writes the low halves of the lanes in `set` below `words`, in the order of the lanes.
inline std::uint8_t* put_words(std::uint8_t* words, __m256i x, unsigned set) {
    const __m256i low = _mm256_and_si256(x, _mm256_set1_epi32(0xffff));
    const __m128i halves =
        _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    const __m128i together = _mm_shuffle_epi8(halves, load_half(kShuffles.gather[set]));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(words - 2 * kWidth), together);
    return words - 2 * static_cast<std::size_t>(__builtin_popcount(set));
}

inline __m256i encode(__m256i x, __m256i entry, std::uint8_t*& words) {
    const __m256i frequency = frequency_of(entry);
    const __m256i limit =
        _mm256_slli_epi32(frequency, kStateBits + 16 - kProbabilityBits);  // below 2^31
    const __m256i below = _mm256_cmpgt_epi32(limit, x);
    words = put_words(words, x, ~lanes_of(below) & 0xff);
    x = _mm256_blendv_epi8(_mm256_srli_epi32(x, 16), x, below);
    const Quotient q = divide(x, frequency);
    return _mm256_add_epi32(
        _mm256_add_epi32(_mm256_slli_epi32(q.quotient, kProbabilityBits), q.rest), start_of(entry));
}

// The buckets at eight places. Loaded one by one: faster than gathers on AMD, and on Intel with its
// fix for Downfall.
struct Buckets {
    __m256i entry, value;
};

inline Buckets buckets_at(const std::uint64_t* buckets, __m256i places) {
    alignas(32) std::uint32_t place[kWidth];
    _mm256_store_si256(reinterpret_cast<__m256i*>(place), places);
    const auto pair = [&](unsigned a, unsigned b) {
        const auto* first = reinterpret_cast<const double*>(buckets + place[a]);
        const auto* second = reinterpret_cast<const double*>(buckets + place[b]);
        return _mm_castpd_ps(_mm_loadh_pd(_mm_load_sd(first), second));
    };
    const __m256 lo = _mm256_set_m128(pair(4, 5), pair(0, 1));
    const __m256 hi = _mm256_set_m128(pair(6, 7), pair(2, 3));
    return {_mm256_castps_si256(_mm256_shuffle_ps(lo, hi, 0x88)),
            _mm256_castps_si256(_mm256_shuffle_ps(lo, hi, 0xdd))};
}

// Decodes one symbol of each of the eight lanes, the first of which is symbol `i` of the job.
inline __m256i decode(DecodeJob& job, std::size_t i, __m256i x) {
    const __m256i row = _mm256_cvtepu16_epi32(load_half(job.indexes + i));
    const __m256i slot = _mm256_and_si256(x, _mm256_set1_epi32(kEntryMask));
    const __m256i place =
        _mm256_or_si256(_mm256_slli_epi32(row, kBucketBits), _mm256_srli_epi32(slot, kBucketShift));
    const Buckets bucket = buckets_at(job.buckets, place);
    __m256i entry = bucket.entry;
    __m256i value = bucket.value;
    __m256i rest = _mm256_sub_epi32(slot, start_of(entry));
    __m256i found = _mm256_cmpgt_epi32(frequency_of(entry), rest);
    if (lanes_of(found) != 0xff) {
        const __m256i bias = gather(job.biases, row);
        do {
            value = _mm256_add_epi32(value, _mm256_andnot_si256(found, _mm256_set1_epi32(1)));
            entry = gather(job.entries, _mm256_sub_epi32(value, bias));
            rest = _mm256_sub_epi32(slot, start_of(entry));
            found = _mm256_cmpgt_epi32(frequency_of(entry), rest);
        } while (lanes_of(found) != 0xff);
    }
    store(job.symbols + i, value);
    for (unsigned escaped = lanes_of(entry); escaped != 0; escaped &= escaped - 1) {
        job.escapes[job.escape_count++] =
            static_cast<std::uint32_t>(i) + static_cast<unsigned>(__builtin_ctz(escaped));
    }
    x = _mm256_add_epi32(
        _mm256_mullo_epi32(frequency_of(entry), _mm256_srli_epi32(x, kProbabilityBits)), rest);

    const __m256i low = _mm256_cmpgt_epi32(_mm256_set1_epi32(kFirstState), x);
    const unsigned set = lanes_of(low);
    const __m256i deal = _mm256_cvtepu8_epi32(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(kShuffles.deal[set])));
    const __m256i next =
        _mm256_permutevar8x32_epi32(_mm256_cvtepu16_epi32(load_half(job.words)), deal);
    job.words += 2 * static_cast<std::size_t>(__builtin_popcount(set));
    return _mm256_blendv_epi8(x, _mm256_or_si256(_mm256_slli_epi32(x, 16), next), low);
}

}  // namespace

std::uint8_t* encode_groups_avx2(const std::uint32_t* entries, std::size_t count,
                                 std::uint32_t* states, std::uint8_t* words) {
    __m256i x0 = load(states), x1 = load(states + 8), x2 = load(states + 16),
            x3 = load(states + 24);
    for (const std::uint32_t* group = entries + count * kGroup; group != entries;) {
        group -= kGroup;
        x3 = encode(x3, load(group + 24), words);
        x2 = encode(x2, load(group + 16), words);
        x1 = encode(x1, load(group + 8), words);
        x0 = encode(x0, load(group), words);
    }
    store(states, x0), store(states + 8, x1), store(states + 16, x2), store(states + 24, x3);
    return words;
}

void decode_groups_avx2(DecodeJob& job, const std::uint8_t* limit) {
    DecodeJob at = job;
    std::uint32_t* const states = job.states;
    __m256i x0 = load(states), x1 = load(states + 8), x2 = load(states + 16),
            x3 = load(states + 24);
    for (; at.count - at.done >= kGroup && at.words <= limit; at.done += kGroup) {
        x0 = decode(at, at.done, x0);
        x1 = decode(at, at.done + 8, x1);
        x2 = decode(at, at.done + 16, x2);
        x3 = decode(at, at.done + 24, x3);
    }
    store(states, x0), store(states + 8, x1), store(states + 16, x2), store(states + 24, x3);
    job = at;
}

}  // namespace streamcodec
