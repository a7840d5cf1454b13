// Every instruction set reads and writes the same bytes.
#include "check.hpp"
#include "coder/dispatch.hpp"
#include "coder/scalar.hpp"
#include "coder/stream.hpp"
#include "platform/error.hpp"
#include "samples.hpp"

using namespace samples;

TEST(instruction_sets_write_and_read_the_same_bytes) {
    std::mt19937 random(10);
    for (int round = 0; round < 60; ++round) {
        const auto tables = random_tables(random, 3 + random() % 60).tables();
        const Symbols symbols = random_symbols(random, *tables, random() % 6000);
        const Bytes bytes = encode(tables, symbols, InstructionSet::scalar, 32);
        for (const InstructionSet set : available_instruction_sets()) {
            CHECK(encode(tables, symbols, set, 32) == bytes);
            CHECK(decode(tables, bytes, symbols.indexes, set) == symbols.symbols);
        }
    }
}

TEST(instruction_sets_agree_on_many_symbols_with_lanes_chosen_by_number) {
    std::mt19937 random(11);
    const auto tables = random_tables(random, 130).tables();
    const Symbols symbols = random_symbols(random, *tables, 300001);
    const Bytes bytes = encode(tables, symbols, InstructionSet::scalar);
    CHECK((bytes[0] & 7) == 5);
    for (const InstructionSet set : available_instruction_sets()) {
        CHECK(encode(tables, symbols, set) == bytes);
        CHECK(decode(tables, bytes, symbols.indexes, set) == symbols.symbols);
    }
}

// The loops divide by way of floats: every frequency, with states at the ends of its range and at
// multiples of it.
TEST(instruction_sets_divide_exactly) {
    std::mt19937 random(12);
    for (const InstructionSet set : available_instruction_sets()) {
        const EncodeGroups encode_groups = kernels_for(set).encode;
        if (encode_groups == nullptr) continue;
        for (std::uint32_t frequency = 1; frequency < kProbabilityTotal; ++frequency) {
            const std::uint32_t limit = frequency << 17;
            std::uint32_t entries[32], states[32], expected[32];
            for (std::size_t lane = 0; lane < 32; ++lane) {
                entries[lane] = (kProbabilityTotal - frequency) | frequency << kProbabilityBits;
                const std::uint32_t multiple =
                    frequency * static_cast<std::uint32_t>(random() % (1u << 17));
                const std::uint32_t near = multiple + static_cast<std::uint32_t>(random() % 3) - 1;
                const std::uint32_t x = lane == 0   ? limit - 1
                                        : lane == 1 ? limit
                                        : lane == 2 ? kFirstState
                                                    : near;
                states[lane] = expected[lane] = std::min(std::max(x, kFirstState), (1u << 31) - 1);
            }
            std::uint8_t words[2][2 * kGroupMaxBytes] = {};
            const std::uint8_t* end =
                encode_symbols(entries, 32, expected, 32, words[0] + sizeof words[0]);
            const std::uint8_t* end_of_group =
                encode_groups(entries, 1, states, words[1] + sizeof words[1]);
            CHECK(std::equal(states, states + 32, expected));
            CHECK(end - words[0] == end_of_group - words[1]);
            CHECK(std::equal(end, static_cast<const std::uint8_t*>(words[0] + sizeof words[0]),
                             end_of_group));
        }
    }
}

TEST(instruction_sets_have_names) {
    CHECK(available_instruction_sets().front() == InstructionSet::scalar);
    for (const InstructionSet set : available_instruction_sets())
        CHECK(instruction_set_named(name_of(set)) == set);
    CHECK_THROWS(BadArgument, instruction_set_named("sse9"));
    CHECK_THROWS(BadArgument, instruction_set_named(""));
}
