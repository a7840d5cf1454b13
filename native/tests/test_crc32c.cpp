#include "platform/crc32c.hpp"

#include "check.hpp"
#include "samples.hpp"

using namespace samples;

TEST(crc32c_gives_the_values_of_rfc_3720) {
    Bytes rising, falling;
    for (std::uint8_t i = 0; i < 32; ++i)
        rising.push_back(i), falling.push_back(static_cast<std::uint8_t>(31 - i));
    CHECK(crc32c(view(Bytes(32, 0))) == 0x8A9136AA);
    CHECK(crc32c(view(Bytes(32, 0xff))) == 0x62A8AB43);
    CHECK(crc32c(view(rising)) == 0x46DD794E);
    CHECK(crc32c(view(falling)) == 0x113FDB5C);
    CHECK(crc32c({}) == 0);
}

TEST(crc32c_by_tables_and_by_instruction_agree) {
    std::mt19937 random(1);
    for (std::size_t size = 0; size < 300; ++size) {
        Bytes bytes(size + 1);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
        const std::uint8_t* start = bytes.data() + 1;  // off the alignment
        const auto before = static_cast<std::uint32_t>(random());
        const std::uint32_t by_tables = crc32c_tables(start, size, before);
        CHECK(by_tables == crc32c({start, size}, before));
        CHECK(crc32c_tables(start + size / 3, size - size / 3,
                            crc32c_tables(start, size / 3, before)) == by_tables);
#ifdef STREAMCODEC_X86
        if (__builtin_cpu_supports("sse4.2")) CHECK(crc32c_sse42(start, size, before) == by_tables);
#endif
    }
}
