#include "coder/stream.hpp"

#include "check.hpp"
#include "samples.hpp"

using namespace samples;

namespace {

ParsedHead parse(const Bytes& bytes) {
    std::uint32_t states[kMaxLanes];
    return read_head(view(bytes), states);
}

}  // namespace

TEST(a_head_holds_states_and_escapes) {
    const std::vector<std::uint32_t> states{1u << 15, (1u << 16) - 1, 1u << 16, (1u << 31) - 1};
    Bytes bytes =
        write_head(view(states), view<std::uint64_t>({1, 5, (std::uint64_t{2} << 33) - 1}));
    CHECK(bytes[0] == 0b1010);
    bytes.insert(bytes.end(), {1, 2});
    std::uint32_t read[kMaxLanes];
    ParsedHead parsed = read_head(view(bytes), read);
    CHECK(parsed.head.lanes == 4 && parsed.words.size == 2);
    CHECK(std::vector<std::uint32_t>(read, read + 4) == states);
    CHECK(parsed.escapes.get_gamma() == 1 && parsed.escapes.get_gamma() == 5);
    CHECK(parsed.escapes.get_gamma() == (std::uint64_t{2} << 33) - 1);
    CHECK(parsed.escapes.bytes_read() == parsed.side_size);
}

TEST(a_head_without_escapes_has_no_length) {
    const Bytes bytes = write_head(view<std::uint32_t>({1u << 15}), {});
    CHECK((bytes == Bytes{0, 0, 0, 0}));  // 4 bits of size, 15 of state, 5 of padding
    CHECK(parse(bytes).words.size == 0);
}

TEST(a_long_side_part_has_a_length_of_two_bytes) {
    const Bytes bytes =
        write_head(view<std::uint32_t>({1u << 15}), view(std::vector<std::uint64_t>(2000, 1)));
    CHECK(bytes[1] == ((253 & 127) | 128) && bytes[2] == 1 && bytes.size() == 3 + 253);
    CHECK(parse(bytes).side_size == 253);
}

TEST(bad_heads_throw) {
    for (const std::uint8_t first : Bytes{1, 3, 4, 6, 7, 16, 32, 255})
        CHECK_THROWS(CorruptStream, parse({first, 0, 0, 0}));
    CHECK_THROWS(TruncatedStream, parse({0}));
    CHECK_THROWS(TruncatedStream, parse({0, 0, 0}));
    CHECK_THROWS(TruncatedStream, parse({0, 0, 0, 0, 9}));     // half a word
    CHECK_THROWS(CorruptStream, parse({0, 0, 0, 0x80}));       // padding
    CHECK_THROWS(TruncatedStream, parse({8}));                 // no length
    CHECK_THROWS(TruncatedStream, parse({8, 0x80}));           // half a length
    CHECK_THROWS(TruncatedStream, parse({8, 4, 0, 0, 0}));     // length beyond the end
    CHECK_THROWS(TruncatedStream, parse({8, 2, 0, 0, 0, 0}));  // side too short for the state
    CHECK_THROWS(CorruptStream,
                 parse({8, 0x84, 0, 0, 0, 0, 0}));  // length not in its shortest form
    CHECK_THROWS(CorruptStream, parse({8, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0}));
    CHECK_THROWS(TruncatedStream, parse({8, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0}));
}
