// How an entry, a bucket and a state are made of bits: shared by the tables and all loops, so
// constants only.
#pragma once

#include <cstdint>

namespace streamcodec {

constexpr int kProbabilityBits = 14;
constexpr std::uint32_t kProbabilityTotal = 1u << kProbabilityBits;

// An entry is one symbol of one row: bits 0..13 start (its cumulative frequency), 14..27 frequency,
// 31 set for the escape. A frequency of 16384 occurs in certain rows only, whose symbols are not
// coded, so 14 bits are enough.
constexpr std::uint32_t kEntryMask = kProbabilityTotal - 1;
constexpr std::uint32_t kEscapeFlag = 1u << 31;

// Decoding finds a slot's symbol by starting at its bucket's first symbol and stepping forward. A
// slot table of 14 bits would be 64 KiB a row and leave the caches; 256 buckets are 2 KiB a row and
// cost a step for few symbols. A bucket holds its first symbol: the entry in the low half, the
// value in the high half.
constexpr int kBucketBits = 8;
constexpr int kBucketShift = kProbabilityBits - kBucketBits;

constexpr int kStateBits = 15;
constexpr std::uint32_t kFirstState =
    1u << kStateBits;  // states are in [kFirstState, kFirstState << 16)

}  // namespace streamcodec
