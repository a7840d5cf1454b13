// The inner loops over whole groups of 32 symbols, one for each instruction set that has its own.
//
// Files that implement one are compiled with flags that the CPU at hand may not have. So they
// include only this header and the compiler's intrinsics, and define nothing that the linker could
// share with other files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace streamcodec {

constexpr std::size_t kGroup = 32;              // symbols, one a lane
constexpr std::size_t kGroupMaxBytes = 2 * 32;  // a group takes at most one word a lane

// Codes groups[count - 1] .. groups[0], each of 32 entries (tables.hpp), and returns where the
// words now begin. Writes them downwards from `words`; may also overwrite the kGroupMaxBytes bytes
// below the returned address.
using EncodeGroups = std::uint8_t* (*)(const std::uint32_t* entries, std::size_t count,
                                       std::uint32_t* states, std::uint8_t* words);

struct DecodeJob {
    const std::uint64_t* buckets;  // see class Tables
    const std::uint32_t* entries;
    const std::int32_t* biases;
    const std::uint16_t* indexes;  // each below the number of rows; none of a certain row
    std::int32_t* symbols;
    std::uint32_t* escapes;  // receives the positions in `symbols` at which an escape was read
    std::size_t escape_count;
    std::size_t done;   // symbols decoded so far
    std::size_t count;  // and to be decoded in all
    std::uint32_t* states;
    const std::uint8_t* words;
};

// Decodes whole groups while they fit into `count` and `words` is not beyond `limit`, from which
// kGroupMaxBytes are readable.
using DecodeGroups = void (*)(DecodeJob& job, const std::uint8_t* limit);

std::uint8_t* encode_groups_avx2(const std::uint32_t* entries, std::size_t count,
                                 std::uint32_t* states, std::uint8_t* words);
void decode_groups_avx2(DecodeJob& job, const std::uint8_t* limit);

std::uint8_t* encode_groups_avx512(const std::uint32_t* entries, std::size_t count,
                                   std::uint32_t* states, std::uint8_t* words);
void decode_groups_avx512(DecodeJob& job, const std::uint8_t* limit);

}  // namespace streamcodec
