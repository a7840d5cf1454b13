// The loops of the context network that compilers vectorise by themselves: included, and so
// compiled, once for each instruction set, in an unnamed namespace (see kernels.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "context/kernels.hpp"
#include "context/layout.hpp"

namespace streamcodec {

namespace {

// One tile of weights times `pairs` pairs of inputs, at most a chunk, for a fixed number of
// positions: adds to `sums`.
using MultiplyChunk = void (*)(const std::int16_t* weights, const std::int16_t* inputs,
                               std::size_t input_stride, std::size_t pairs, std::int64_t* sums,
                               std::size_t sum_stride);

// by_positions[n] multiplies for n positions, n = 1 .. most. A chunk of weights stays in the cache
// for all positions.
inline void multiply_in_chunks(const MultiplyJob& job, const MultiplyChunk* by_positions,
                               std::size_t most) {
    const std::size_t outputs = kTileOutputs * job.tiles;
    const std::size_t groups = (job.positions + most - 1) / most;
    for (std::size_t i = 0; i < job.positions * outputs; ++i) job.sums[i] = 0;
    for (std::size_t tile = 0; tile < job.tiles; ++tile) {
        for (std::size_t pair = 0; pair < job.pairs; pair += kChunkInputs / 2) {
            const std::int16_t* const weights =
                job.weights + 2 * kTileOutputs * (tile * job.pairs + pair);
            const std::size_t left = job.pairs - pair;
            const std::size_t pairs = left < kChunkInputs / 2 ? left : kChunkInputs / 2;
            for (std::size_t group = 0, position = 0; group < groups; ++group) {
                const std::size_t end = job.positions * (group + 1) / groups;
                by_positions[end - position](
                    weights, job.inputs + 2 * (position * job.pairs + pair), 2 * job.pairs, pairs,
                    job.sums + position * outputs + tile * kTileOutputs, outputs);
                position = end;
            }
        }
    }
}

inline int normalise(const std::int32_t* x, std::size_t count, std::int16_t* mantissas) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < count; ++i)
        bits |= static_cast<std::uint32_t>(x[i] < 0 ? -x[i] : x[i]);
    int shift = 0;
    while (bits >> shift > static_cast<std::uint32_t>(kMantissaLimit)) ++shift;
    const std::int32_t below_half = (1 << shift) - 1;  // of twice x: so that the shift is never 0
    for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t twice = 2 * x[i];
        std::int32_t rounded = (twice + below_half + (twice >> (shift + 1) & 1)) >> (shift + 1);
        rounded = rounded > kMantissaLimit ? kMantissaLimit : rounded;
        rounded = rounded < -kMantissaLimit ? -kMantissaLimit : rounded;
        mantissas[i] = static_cast<std::int16_t>(rounded);
    }
    return shift;
}

// |sums[i]| < 2^42. Works on sums * 2^11 + 2^62: never negative, and shifted by 1 or more.
inline void add_rounded(const std::int64_t* sums, const std::int64_t* shifts, int fraction,
                        std::size_t count, std::int64_t* totals) {
    constexpr std::uint64_t kOffset = std::uint64_t{1} << 62;
    for (std::size_t i = 0; i < count; ++i) {
        const auto shift = static_cast<std::uint64_t>(shifts[i] + fraction - 1);
        const std::uint64_t x = (static_cast<std::uint64_t>(sums[i]) << 11) + kOffset;
        const std::uint64_t below_half = (std::uint64_t{1} << (shift - 1)) - 1;
        const std::uint64_t rounded = (x + below_half + (x >> shift & 1)) >> shift;
        totals[i] += static_cast<std::int64_t>(rounded - (kOffset >> shift));
    }
}

inline void activate(const std::int64_t* totals, std::int32_t slope, std::size_t count,
                     std::int32_t* out) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int64_t below = totals[i] < kContextLimit ? totals[i] : kContextLimit;
        out[i] = static_cast<std::int32_t>(below > -kContextLimit ? below : -kContextLimit);
    }
    if (slope == 1 << kSlopeBits) return;
    for (std::size_t i = 0; i < count; ++i) {
        const auto magnitude = static_cast<std::uint32_t>(out[i] < 0 ? -out[i] : 0);
        const std::uint64_t product = std::uint64_t{magnitude} * static_cast<std::uint32_t>(slope);
        const std::uint64_t below_half = (1u << (kSlopeBits - 1)) - 1;
        const auto scaled = static_cast<std::int32_t>(
            (product + below_half + (product >> kSlopeBits & 1)) >> kSlopeBits);
        out[i] = out[i] < 0 ? -scaled : out[i];
    }
}

}  // namespace

}  // namespace streamcodec
