// What a symbol costs: bits in fixed point, from the frequencies that code it.
#pragma once

#include <cstdint>

#include "coder/layout.hpp"

namespace streamcodec {

// 256 * log2(value), rounded down, for 1 <= value < 2^31: bits of the fraction by squaring.
inline std::uint32_t log2_256(std::uint32_t value) {
    std::uint32_t whole = 0;
    while (value >> (whole + 1)) ++whole;
    std::uint64_t mantissa = (std::uint64_t{value} << 31) >> whole;  // 2^31 .. 2^32
    std::uint32_t fraction = 0;
    for (int k = 0; k < 8; ++k) {
        mantissa = mantissa * mantissa >> 31;
        fraction <<= 1;
        if (mantissa >> 32) {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    return 256 * whole + fraction;
}

// Of a symbol with this frequency, in 1/256 bit.
inline std::uint32_t cost_of(std::uint32_t frequency) {
    return 256 * kProbabilityBits - log2_256(frequency);
}

// Of the escape code c of stream.hpp, in 1/256 bit.
inline std::uint32_t escape_cost(std::uint32_t code) {
    return 256 * (2 * (log2_256(code) / 256) + 1);
}

}  // namespace streamcodec
