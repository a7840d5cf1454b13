#include "coder/bits.hpp"

#include "check.hpp"
#include "samples.hpp"

using namespace samples;

TEST(bits_are_written_from_the_low_end) {
    BitWriter writer;
    writer.put(0b101, 3);
    writer.put(0x3ff, 10);
    CHECK((writer.finish() == Bytes{0b11111101, 0b00011111}));
}

TEST(gamma_codes_are_zeros_a_one_and_the_low_bits) {
    BitWriter writer;
    writer.put_gamma(1);
    writer.put_gamma(6);
    CHECK((writer.finish() == Bytes{0b101001}));
}

TEST(gamma_codes_return_for_every_size) {
    std::vector<std::uint64_t> values{1, 2, 3};
    for (unsigned bits = 2; bits <= kGammaMaxBits; ++bits) {
        values.push_back(std::uint64_t{1} << bits);
        values.push_back((std::uint64_t{2} << bits) - 1);
    }
    BitWriter writer;
    for (const std::uint64_t value : values) writer.put_gamma(value);
    const Bytes bytes = writer.finish();
    BitReader reader(view(bytes));
    for (const std::uint64_t value : values) CHECK(reader.get_gamma() == value);
    CHECK(reader.bytes_read() == bytes.size() && reader.padding_is_zero());
}

TEST(reading_past_the_end_throws) {
    const Bytes bytes{0xff};
    BitReader reader(view(bytes));
    CHECK(reader.get(5) == 31);
    CHECK_THROWS(TruncatedStream, reader.get(4));
}

TEST(a_gamma_code_that_is_too_long_throws) {
    const Bytes bytes(10);
    BitReader reader(view(bytes));
    CHECK_THROWS(CorruptStream, reader.get_gamma());
}
