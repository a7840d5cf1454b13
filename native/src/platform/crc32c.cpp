#include "platform/crc32c.hpp"

#include <array>

#include "platform/cpu.hpp"

namespace streamcodec {

namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // bits reversed
constexpr std::size_t kSlices = 8;  // bytes a step (slicing-by-8, Kounavis and Berry 2005)

using SliceTables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr SliceTables make_tables() {
    SliceTables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
        tables[0][byte] = crc;
    }
    for (std::size_t slice = 1; slice < kSlices; ++slice) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t crc = tables[slice - 1][byte];
            tables[slice][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
        }
    }
    return tables;
}

constexpr SliceTables kTables = make_tables();

}  // namespace

std::uint32_t crc32c_tables(const std::uint8_t* bytes, std::size_t size, std::uint32_t value) {
    std::uint32_t crc = ~value;
    for (; size >= kSlices; size -= kSlices, bytes += kSlices) {
        std::uint32_t next = 0;
        for (std::size_t i = 0; i < kSlices; ++i) {
            const std::uint32_t byte = bytes[i] ^ (i < 4 ? crc >> (8 * i) & 0xff : 0);
            next ^= kTables[kSlices - 1 - i][byte];
        }
        crc = next;
    }
    for (; size > 0; --size, ++bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ *bytes) & 0xff];
    return ~crc;
}

std::uint32_t crc32c(View<const std::uint8_t> bytes, std::uint32_t value) {
#ifdef STREAMCODEC_X86
    if (default_instruction_set() != InstructionSet::scalar)
        return crc32c_sse42(bytes.data, bytes.size, value);
#endif
    return crc32c_tables(bytes.data, bytes.size, value);
}

}  // namespace streamcodec
