// Damaged streams end in an error or in symbols, never in a crash or a hang.
#include "check.hpp"
#include "coder/stream.hpp"
#include "platform/error.hpp"
#include "samples.hpp"

using namespace samples;

namespace {

struct Sample {
    std::shared_ptr<const Tables> tables;
    Symbols symbols;
    Bytes bytes;
};

Sample make_sample(unsigned seed, std::size_t count, std::size_t lanes) {
    std::mt19937 random(seed);
    Sample sample;
    sample.tables = random_tables(random, 12).tables();
    sample.symbols = random_symbols(random, *sample.tables, count);
    sample.bytes = encode(sample.tables, sample.symbols, InstructionSet::scalar, lanes);
    return sample;
}

// Whether `bytes` are refused as damaged.
bool is_refused(const Sample& sample, const Bytes& bytes, InstructionSet set) {
    try {
        decode(sample.tables, bytes, sample.symbols.indexes, set);
        return false;
    } catch (const CorruptStream&) {
        return true;
    }
}

}  // namespace

TEST(a_stream_cut_anywhere_is_refused) {
    for (const InstructionSet set : available_instruction_sets()) {
        for (const std::size_t lanes : {1, 4, 32}) {
            const Sample sample = make_sample(4, 700, lanes);
            for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
                CHECK(is_refused(
                    sample,
                    Bytes(sample.bytes.begin(), sample.bytes.begin() + static_cast<long>(size)),
                    set));
            }
        }
    }
}

TEST(bytes_after_the_end_are_refused) {
    for (const InstructionSet set : available_instruction_sets()) {
        for (const std::size_t lanes : {1, 4, 32}) {
            const Sample sample = make_sample(5, 700, lanes);
            for (std::size_t more = 1; more < 70; ++more) {
                Bytes longer = sample.bytes;
                longer.resize(longer.size() + more, 0x55);
                CHECK(is_refused(sample, longer, set));
            }
        }
    }
}

TEST(flipped_bits_do_no_harm_and_all_instruction_sets_agree) {
    for (const std::size_t lanes : {1, 4, 32}) {
        const Sample sample = make_sample(6, 300, lanes);
        std::uint32_t states[kMaxLanes];
        const std::size_t words_at =
            sample.bytes.size() - read_head(view(sample.bytes), states).words.size;
        std::size_t unseen = 0;
        for (std::size_t bit = 0; bit < 8 * sample.bytes.size(); ++bit) {
            Bytes flipped = sample.bytes;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
            const bool refused = is_refused(sample, flipped, InstructionSet::scalar);
            unseen += refused || bit / 8 < words_at
                          ? 0
                          : 1;  // a flip in the side part may change just an escaped value
            for (const InstructionSet set : available_instruction_sets())
                CHECK(is_refused(sample, flipped, set) == refused);
        }
        // One that turns the last symbols of a lane into others may end in the right state; more
        // than a few must not.
        CHECK(unseen < 8 * (sample.bytes.size() - words_at) / 20);
    }
}

TEST(random_bytes_do_no_harm) {
    std::mt19937 random(7);
    const Sample sample = make_sample(8, 3000, 1);
    constexpr std::uint8_t kHeads[] = {0, 2, 5, 8, 10, 13};
    for (const InstructionSet set : available_instruction_sets()) {
        for (int round = 0; round < 500; ++round) {
            Bytes bytes(1 + random() % 4000);
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
            if (round % 8 != 0) bytes[0] = kHeads[random() % 6];
            is_refused(sample, bytes, set);
        }
    }
}

TEST(an_escape_beyond_int32_is_refused) {
    constexpr std::int32_t kHighest = std::numeric_limits<std::int32_t>::max();
    const auto coded_with = rows_of({{0, 8000, 16384}}, {0}).tables();
    const auto read_with = rows_of({{0, 8000, 16384}}, {5}).tables();
    const Bytes bytes = encode(coded_with, {{kHighest}, {0}}, InstructionSet::scalar);
    CHECK_THROWS(CorruptStream, decode(read_with, bytes, {0}, InstructionSet::scalar));
}

TEST(a_decoder_that_stops_early_is_told_so) {
    const Sample sample = make_sample(9, 700, 4);
    Decoder decoder(sample.tables, view(sample.bytes), InstructionSet::scalar);
    std::vector<std::int32_t> symbols(600);
    decoder.get(view(sample.symbols.indexes).first(600), symbols.data());
    CHECK_THROWS(CorruptStream, decoder.finish());
    CHECK_THROWS(BadArgument, decoder.finish());
    CHECK_THROWS(BadArgument, decoder.get({}, nullptr));
    CHECK_THROWS(CorruptStream,
                 Decoder(sample.tables, view(sample.bytes), InstructionSet::scalar).finish());
}
