// The bytes of a coded stream: their specification, and the head that comes before the words.
//
// A stream codes a sequence of symbols, each with the probability table (row) that its index names.
// Both sides know the indexes. A symbol whose row is certain is left out before anything else; the
// n symbols that remain are coded. n is not stored: the decoder learns it from what is asked of it.
// With n = 0 the stream has no bytes. Otherwise:
//
//     part    size     content
//     head    1 byte   bits 0..2: b, one of 0, 2, 5: there are 2^b lanes. bit 3: escapes.
//     bits 4..7: 0 length  1..5     only if the stream has escapes: size of `side` in bytes, LEB128
//     (7 bits a byte, low ones first,
//                      bit 7 set on all but the last byte, which is not 0 unless it is the only
//                      one)
//     side    ...      bits, from the least significant bit of each byte; the last byte is padded
//     with zeros:
//                        first states  for each lane 0, 1, ...: 4 bits k, then the low k + 15 bits
//                        of the state, which
//                                      has bit k + 15 set and none above it (it is in [2^15, 2^31))
//                        escapes       for each escape, in the order of the symbols: an Elias gamma
//                        code (b zeros, a
//                                      one, b bits) of c >= 1, b <= 33:  value = last + (c + 1) / 2
//                                      if c is odd, first - c / 2 if it is even, where first..last
//                                      are the values of the row
//     words   2 each   unsigned 16-bit, little-endian, to the end of the stream
//
// Decoding symbol i, i = 0 .. n - 1, with x the state of lane i mod 2^b and row r:
//
//     slot = x mod 2^14;  s = the symbol of r with cdf[s] <= slot < cdf[s + 1]
//     x = (cdf[s + 1] - cdf[s]) * (x div 2^14) + slot - cdf[s]
//     if x < 2^15:  x = x * 2^16 + the next word
//
// The last symbol of a row is the escape; the others are its values in rising order. After symbol n
// - 1 every state is 2^15, and every word and every bit of `side` but its padding has been read;
// anything else is an error. Encoding runs these steps backwards: from symbol n - 1 to 0, from
// states 2^15, with the words written from the end of the stream.
//
// This is rANS (Duda 2013, arXiv:1311.2540) with interleaved lanes (Giesen 2014, arXiv:1402.3392).
// Any decoder may treat 2^b symbols at once: the lanes of a group take their words in the order of
// the lanes, as one lane after the other does. A lane costs 18.5 bits on average beyond its
// information, so an encoder takes few for few symbols.
#pragma once

#include <cstdint>
#include <vector>

#include "coder/bits.hpp"
#include "coder/layout.hpp"
#include "platform/view.hpp"

namespace streamcodec {

constexpr unsigned kMaxLanes = 32;

struct Head {
    unsigned lanes = 1;
    bool escapes = false;
};

// head, length and side of a stream. `escape_codes` are the c of the specification.
std::vector<std::uint8_t> write_head(View<const std::uint32_t> states,
                                     View<const std::uint64_t> escape_codes);

// What the head says, where the words are, and a reader that stands before the first escape. Fills
// states[0 .. lanes - 1]. Throws CorruptStream or TruncatedStream.
struct ParsedHead {
    Head head;
    BitReader escapes;
    std::size_t side_size;  // bytes that `escapes` must have read in the end
    View<const std::uint8_t> words;
};
ParsedHead read_head(View<const std::uint8_t> stream, std::uint32_t* states);

}  // namespace streamcodec
