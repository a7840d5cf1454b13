// Compiled with -msse4.2 (see kernels.hpp on what such files may include).
#include <nmmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace streamcodec {

std::uint32_t crc32c_sse42(const std::uint8_t* bytes, std::size_t size, std::uint32_t value);

std::uint32_t crc32c_sse42(const std::uint8_t* bytes, std::size_t size, std::uint32_t value) {
    std::uint64_t crc = ~value;
    for (; size >= 8; size -= 8, bytes += 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    auto crc32 = static_cast<std::uint32_t>(crc);
    for (; size > 0; --size, ++bytes) crc32 = _mm_crc32_u8(crc32, *bytes);
    return ~crc32;
}

}  // namespace streamcodec
