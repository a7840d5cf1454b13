#include "coder/tables.hpp"

#include "check.hpp"
#include "platform/error.hpp"
#include "samples.hpp"

using namespace samples;

TEST(tables_hold_entries_and_buckets) {
    const auto tables = rows_of({{0, 16384}, {0, 100, 16000, 16384}}, {7, -1}).tables();
    CHECK(tables->rows().size == 2 && !tables->all_coded());
    CHECK(tables->rows()[0].coded == 0 && tables->rows()[1].coded == 1);
    const Row& row = tables->rows()[1];
    CHECK(row.values == 2 && row.first_value == -1);
    CHECK(start_of(tables->entries()[row.first_entry + 1]) == 100);
    CHECK(frequency_of(tables->entries()[row.first_entry + 1]) == 15900);
    CHECK((tables->entries()[row.first_entry + 2] & kEscapeFlag) != 0);
    const std::uint64_t* buckets = tables->buckets() + (1 << kBucketBits);
    CHECK(buckets[0] >> 32 == 0xffffffff && buckets[100 >> kBucketShift] >> 32 == 0xffffffff);
    CHECK(buckets[(100 >> kBucketShift) + 1] >> 32 == 0);
}

TEST(tables_refuse_a_cdf_that_does_not_rise_from_0_to_16384) {
    for (const auto& cdf : std::vector<std::vector<std::int32_t>>{{1, 16384},
                                                                  {0, 16383},
                                                                  {0, 65536},
                                                                  {0, 5, 5, 16384},
                                                                  {0, 9, 5, 16384},
                                                                  {0, -1, 16384},
                                                                  {0, 16384, 16384}}) {
        CHECK_THROWS(BadArgument, rows_of({cdf}).tables());
    }
}

TEST(tables_refuse_a_length_beyond_the_row) {
    for (const std::int32_t length : {-1, 0, 1, 4, 1 << 30}) {
        auto arrays = rows_of({{0, 5, 16384}});
        arrays.length[0] = length;
        CHECK_THROWS(BadArgument, arrays.tables());
    }
}

TEST(tables_refuse_values_beyond_int32) {
    constexpr std::int32_t kHighest = std::numeric_limits<std::int32_t>::max();
    rows_of({{0, 5, 9, 16384}}, {kHighest - 4}).tables();
    CHECK_THROWS(BadArgument, rows_of({{0, 5, 9, 16384}}, {kHighest - 3}).tables());
}

TEST(tables_refuse_sizes_that_disagree) {
    auto arrays = rows_of({{0, 5, 16384}, {0, 5, 16384}});
    arrays.offset.pop_back();
    CHECK_THROWS(BadArgument, arrays.tables());
    CHECK_THROWS(BadArgument, TableArrays{}.tables());
    arrays = rows_of({{0, 5, 16384}, {0, 5, 16384}});
    arrays.cdf.pop_back();
    CHECK_THROWS(BadArgument, arrays.tables());
    arrays.cdf.resize(4);
    CHECK_THROWS(BadArgument, arrays.tables());
}
