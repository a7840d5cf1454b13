#include "check.hpp"
#include "coder/stream.hpp"
#include "platform/error.hpp"
#include "samples.hpp"

using namespace samples;

constexpr auto kScalar = InstructionSet::scalar;

TEST(symbols_return) {
    std::mt19937 random(2);
    for (const std::size_t count : {1, 2, 31, 32, 33, 500, 5000}) {
        const auto tables = random_tables(random, 20).tables();
        const Symbols symbols = random_symbols(random, *tables, count);
        for (const std::size_t lanes : {0, 1, 4, 32}) {
            const Bytes bytes = encode(tables, symbols, kScalar, lanes);
            CHECK(decode(tables, bytes, symbols.indexes, kScalar) == symbols.symbols);
        }
    }
}

TEST(calls_may_be_divided_in_any_way) {
    std::mt19937 random(3);
    const auto tables = random_tables(random, 20).tables();
    const Symbols symbols =
        random_symbols(random, *tables, 40000);  // more than a chunk of the encoder
    for (const InstructionSet set : available_instruction_sets()) {
        Encoder encoder(tables, set, 32);
        for (std::size_t at = 0, size = 0; at < symbols.symbols.size(); at += size) {
            size = std::min<std::size_t>(random() % 3000, symbols.symbols.size() - at);
            encoder.put(view(symbols.symbols).from(at).first(size),
                        view(symbols.indexes).from(at).first(size));
        }
        const Bytes bytes = encoder.finish();
        CHECK(bytes == encode(tables, symbols, kScalar, 32));

        Decoder decoder(tables, view(bytes), set);
        std::vector<std::int32_t> read(symbols.symbols.size());
        for (std::size_t at = 0, size = 0; at < read.size(); at += size) {
            size = std::min<std::size_t>(random() % 3000, read.size() - at);
            decoder.get(view(symbols.indexes).from(at).first(size), read.data() + at);
        }
        decoder.finish();
        CHECK(read == symbols.symbols);
    }
}

TEST(certain_symbols_cost_nothing) {
    const auto tables = rows_of({{0, 16384}, {0, 9000, 16384}}, {5, 1}).tables();
    CHECK(encode(tables, {{5, 5, 5}, {0, 0, 0}}, kScalar).empty());
    CHECK((decode(tables, {}, {0, 0}, kScalar) == std::vector<std::int32_t>{5, 5}));
    CHECK(encode(tables, {{5, 1, 5, 1}, {0, 1, 0, 1}}, kScalar) ==
          encode(tables, {{1, 1}, {1, 1}}, kScalar));
}

TEST(nothing_put_is_an_empty_stream) {
    const auto tables = rows_of({{0, 9000, 16384}}).tables();
    CHECK(encode(tables, {}, kScalar).empty());
    decode(tables, {}, {}, kScalar);
    CHECK_THROWS(TruncatedStream, decode(tables, {}, {0}, kScalar));
}

TEST(escapes_reach_every_int32) {
    const auto tables = rows_of({{0, 8000, 16000, 16384}}, {-1}).tables();
    constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
    constexpr std::int32_t kHighest = std::numeric_limits<std::int32_t>::max();
    const Symbols symbols{{kLowest, -2, -1, 0, 1, 2, kHighest, kLowest + 1},
                          std::vector<std::uint16_t>(8)};
    CHECK(decode(tables, encode(tables, symbols, kScalar), symbols.indexes, kScalar) ==
          symbols.symbols);
}

TEST(escapes_reach_from_one_end_of_int32_to_the_other) {
    constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
    constexpr std::int32_t kHighest = std::numeric_limits<std::int32_t>::max();
    const auto tables =
        rows_of({{0, 8000, 16384}, {0, 8000, 16384}}, {kLowest, kHighest - 3}).tables();
    const Symbols symbols{{kHighest, kLowest, kLowest, kHighest}, {0, 0, 1, 1}};
    CHECK(decode(tables, encode(tables, symbols, kScalar), symbols.indexes, kScalar) ==
          symbols.symbols);
}

TEST(a_refused_put_appends_nothing) {
    const auto tables = rows_of({{0, 16384}, {0, 9000, 16384}}).tables();
    Encoder encoder(tables, kScalar);
    encoder.put(view<std::int32_t>({0, 70}), view<std::uint16_t>({1, 1}));
    CHECK_THROWS(BadArgument,
                 encoder.put(view<std::int32_t>({0, -9, 0}), view<std::uint16_t>({1, 1, 2})));
    CHECK_THROWS(BadArgument,
                 encoder.put(view<std::int32_t>({-9, 1}), view<std::uint16_t>({1, 0})));
    CHECK_THROWS(BadArgument, encoder.put(view<std::int32_t>({0, 0}), view<std::uint16_t>({1})));
    CHECK(encoder.finish() == encode(tables, {{0, 70}, {1, 1}}, kScalar));
    CHECK_THROWS(BadArgument, encoder.put(view<std::int32_t>({0}), view<std::uint16_t>({1})));
    CHECK_THROWS(BadArgument, encoder.finish());
}

TEST(a_number_of_lanes_that_is_not_1_4_or_32_is_refused) {
    const auto tables = rows_of({{0, 9000, 16384}}).tables();
    for (const std::size_t lanes : {2, 3, 5, 8, 16, 31, 33, 64})
        CHECK_THROWS(BadArgument, Encoder(tables, kScalar, lanes));
}

TEST(a_decoder_refuses_an_index_that_is_not_a_row) {
    const auto tables = rows_of({{0, 9000, 16384}}).tables();
    const Bytes bytes = encode(tables, {{0}, {0}}, kScalar);
    CHECK_THROWS(BadArgument, decode(tables, bytes, {1}, kScalar));
    CHECK_THROWS(BadArgument, decode(tables, bytes, {65535}, kScalar));
}
