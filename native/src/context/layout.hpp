// The numbers of the integer rule (context.hpp): shared by the context model and all loops, so
// constants only.
#pragma once

#include <cstdint>

namespace streamcodec {

constexpr int kFractionBits = 12;                    // Q12
constexpr std::int32_t kContextLimit = 1 << 24;      // of activations, biases and features, Q12
constexpr int kContextFractionBits = 6;              // of the coded elements where they are context
constexpr std::int32_t kMantissaLimit = 32767;       // of every int16 factor
constexpr int kSlopeBits = 16;                       // of an activation's slope
constexpr std::int32_t kMaxShift = 30;               // of weights
constexpr std::int32_t kMaxContextSymbol = 1 << 18;  // so that y_hat is an int32
constexpr std::int64_t kMaxChunkWeight =
    0x7fffffff / kMantissaLimit;  // sum|w| in a chunk: 32-bit sums are exact

}  // namespace streamcodec
