// The coder one symbol at a time: the plain form of the steps in stream.hpp, for any number of
// lanes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "coder/kernels.hpp"

namespace streamcodec {

// Codes entries[count - 1] .. entries[0], of which the first belongs to lane 0, and returns where
// the words now begin.
std::uint8_t* encode_symbols(const std::uint32_t* entries, std::size_t count, std::uint32_t* states,
                             std::size_t lanes, std::uint8_t* words);

// Decodes symbols job.done .. count - 1, of which the first belongs to `lane`. Throws
// TruncatedStream if words_end is reached.
void decode_symbols(DecodeJob& job, std::size_t count, std::size_t lane, std::size_t lanes,
                    const std::uint8_t* words_end);

}  // namespace streamcodec
