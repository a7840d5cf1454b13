// The loops of the context network in plain C++.
#include "context/kernels.hpp"
#include "context/loops.hpp"

namespace streamcodec {

namespace {

void multiply_chunk(const std::int16_t* weights, const std::int16_t* inputs, std::size_t,
                    std::size_t pairs, std::int64_t* sums, std::size_t) {
    std::int32_t chunk[kTileOutputs] = {};
    for (std::size_t pair = 0; pair < pairs; ++pair) {
        const std::int16_t* const weight = weights + 2 * kTileOutputs * pair;
        const std::int32_t first = inputs[2 * pair], second = inputs[2 * pair + 1];
        for (std::size_t i = 0; i < kTileOutputs; ++i)
            chunk[i] += weight[2 * i] * first + weight[2 * i + 1] * second;
    }
    for (std::size_t i = 0; i < kTileOutputs; ++i) sums[i] += chunk[i];
}

constexpr MultiplyChunk kMultiplyChunk[] = {nullptr, multiply_chunk};

void multiply(const MultiplyJob& job) { multiply_in_chunks(job, kMultiplyChunk, 1); }

}  // namespace

extern const ContextKernels kContextScalar = {multiply, normalise, add_rounded, activate};

}  // namespace streamcodec
