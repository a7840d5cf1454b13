// The loops of the context network for AVX2. Compiled with -mavx2 (see kernels.hpp).
#include <immintrin.h>

#include "context/kernels.hpp"
#include "context/loops.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kMostPositions =
    6;  // 12 sums, two vectors of weights and a pair of inputs fill 16 registers

inline __m256i load(const void* from) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

inline __m256i pair_at(const std::int16_t* inputs) {
    std::int32_t pair;
    __builtin_memcpy(&pair, inputs, sizeof pair);
    return _mm256_set1_epi32(pair);
}

inline void add_to(std::int64_t* sums, __m256i x) {
    const __m256i low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(x));
    const __m256i high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256(x, 1));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums), _mm256_add_epi64(load(sums), low));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + 4),
                        _mm256_add_epi64(load(sums + 4), high));
}

// One tile, one chunk of `pairs` inputs, kPositions positions.
template <std::size_t kPositions>
void multiply_chunk(const std::int16_t* weights, const std::int16_t* inputs,
                    std::size_t input_stride, std::size_t pairs, std::int64_t* sums,
                    std::size_t sum_stride) {
    __m256i low[kPositions], high[kPositions];
    for (std::size_t i = 0; i < kPositions; ++i) low[i] = high[i] = _mm256_setzero_si256();
    for (std::size_t pair = 0; pair < pairs; ++pair) {
        const __m256i first = load(weights + 2 * kTileOutputs * pair);
        const __m256i second = load(weights + 2 * kTileOutputs * pair + kTileOutputs);
#pragma GCC unroll 6
        for (std::size_t i = 0; i < kPositions; ++i) {
            const __m256i input = pair_at(inputs + i * input_stride + 2 * pair);
            low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(first, input));
            high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(second, input));
        }
    }
    for (std::size_t i = 0; i < kPositions; ++i) {
        add_to(sums + i * sum_stride, low[i]);
        add_to(sums + i * sum_stride + 8, high[i]);
    }
}

constexpr MultiplyChunk kMultiplyChunk[] = {nullptr,           multiply_chunk<1>, multiply_chunk<2>,
                                            multiply_chunk<3>, multiply_chunk<4>, multiply_chunk<5>,
                                            multiply_chunk<6>};

void multiply(const MultiplyJob& job) { multiply_in_chunks(job, kMultiplyChunk, kMostPositions); }

}  // namespace

extern const ContextKernels kContextAvx2 = {multiply, normalise, add_rounded, activate};

}  // namespace streamcodec
