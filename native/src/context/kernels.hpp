// The inner loops of the context network, one set of them for each instruction set. All give the
// same numbers.
//
// Files that implement them are compiled with flags that the CPU at hand may not have: see
// kernels.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamcodec {

constexpr std::size_t kTileOutputs = 16;  // outputs whose weights lie side by side
constexpr std::size_t kChunkInputs =
    256;  // inputs whose products with the weights are summed in 32 bits

// Sums of weight * input for several positions.
struct MultiplyJob {
    const std::int16_t* weights;  // by tile, in it by pair of inputs: for each of 16 outputs, the
                                  // weights of both inputs
    std::size_t tiles;
    std::size_t pairs;           // of inputs; the weights of inputs that do not exist are 0
    const std::int16_t* inputs;  // [position * 2 * pairs + input]
    std::size_t positions;
    std::int64_t* sums;  // [position * 16 * tiles + output], overwritten
};

struct ContextKernels {
    void (*multiply)(const MultiplyJob& job);

    // x[0 .. count - 1], |x| <= kContextLimit, as block floating point: mantissas x * 2^-s; returns
    // s.
    int (*normalise)(const std::int32_t* x, std::size_t count, std::int16_t* mantissas);

    // totals[i] += R(sums[i], shifts[i] + fraction - 12), for inputs with `fraction` bits after the
    // point, 2 .. 12.
    void (*add_rounded)(const std::int64_t* sums, const std::int64_t* shifts, int fraction,
                        std::size_t count, std::int64_t* totals);

    // out[i]: totals[i] limited to +-kContextLimit, and times slope * 2^-16 if it is negative.
    void (*activate)(const std::int64_t* totals, std::int32_t slope, std::size_t count,
                     std::int32_t* out);
};

extern const ContextKernels kContextScalar;
extern const ContextKernels kContextAvx2;
extern const ContextKernels kContextAvx512;

}  // namespace streamcodec
