// The loops of the context network for AVX-512 (F, BW). Compiled with -mavx512bw (see kernels.hpp).
#ifdef STREAMCODEC_SIMDE
#include "simde_avx512.hpp"
#else
#include <immintrin.h>
#endif

#include "context/kernels.hpp"
#include "context/loops.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kMostPositions =
    12;  // their sums run side by side; a load of inputs for each two instructions

inline __m512i load(const void* from) { return _mm512_loadu_si512(from); }

inline __m512i pair_at(const std::int16_t* inputs) {
    std::int32_t pair;
    __builtin_memcpy(&pair, inputs, sizeof pair);
    return _mm512_set1_epi32(pair);
}

inline void add_to(std::int64_t* sums, __m512i x) {
    const __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(x));
    const __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(x, 1));
    _mm512_storeu_si512(sums, _mm512_add_epi64(load(sums), low));
    _mm512_storeu_si512(sums + 8, _mm512_add_epi64(load(sums + 8), high));
}

template <std::size_t kPositions>
void multiply_chunk(const std::int16_t* weights, const std::int16_t* inputs,
                    std::size_t input_stride, std::size_t pairs, std::int64_t* sums,
                    std::size_t sum_stride) {
    __m512i chunk[kPositions];
    for (std::size_t i = 0; i < kPositions; ++i) chunk[i] = _mm512_setzero_si512();
    for (std::size_t pair = 0; pair < pairs; ++pair) {
        const __m512i weight = load(weights + 2 * kTileOutputs * pair);
#pragma GCC unroll 12
        for (std::size_t i = 0; i < kPositions; ++i) {
            const __m512i input = pair_at(inputs + i * input_stride + 2 * pair);
            chunk[i] = _mm512_add_epi32(chunk[i], _mm512_madd_epi16(weight, input));
        }
    }
    for (std::size_t i = 0; i < kPositions; ++i) add_to(sums + i * sum_stride, chunk[i]);
}

constexpr MultiplyChunk kMultiplyChunk[] = {
    nullptr,           multiply_chunk<1>, multiply_chunk<2>,  multiply_chunk<3>,
    multiply_chunk<4>, multiply_chunk<5>, multiply_chunk<6>,  multiply_chunk<7>,
    multiply_chunk<8>, multiply_chunk<9>, multiply_chunk<10>, multiply_chunk<11>,
    multiply_chunk<12>};

void multiply(const MultiplyJob& job) { multiply_in_chunks(job, kMultiplyChunk, kMostPositions); }

}  // namespace

extern const ContextKernels kContextAvx512 = {multiply, normalise, add_rounded, activate};

}  // namespace streamcodec
