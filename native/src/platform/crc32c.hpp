// CRC-32C (Castagnoli): polynomial 0x1EDC6F41, reflected, as in iSCSI (RFC 3720, appendix B.4).
// crc("123456789") = 0xE3069283.
#pragma once

#include <cstdint>

#include "platform/view.hpp"

namespace streamcodec {

// The CRC of bytes that follow others whose CRC is `value`; 0 for none. Uses the CPU's
// instruction (SSE4.2) unless default_instruction_set() is scalar.
std::uint32_t crc32c(View<const std::uint8_t> bytes, std::uint32_t value = 0);

// The two ways it is computed; both give the same. The second needs an x86 CPU with SSE4.2.
std::uint32_t crc32c_tables(const std::uint8_t* bytes, std::size_t size, std::uint32_t value);
std::uint32_t crc32c_sse42(const std::uint8_t* bytes, std::size_t size, std::uint32_t value);

}  // namespace streamcodec
