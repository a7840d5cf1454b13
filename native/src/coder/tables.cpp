#include "coder/tables.hpp"

#include <limits>
#include <string>

#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kMaxRows = 65536;  // an index is a uint16

[[noreturn]] void refuse_row(std::size_t row, const std::string& what) {
    throw BadArgument("row " + std::to_string(row) + " of the tables: " + what);
}

void check_cdf(std::size_t row, View<const std::int32_t> cdf) {
    bool rises = cdf[0] == 0 && cdf[cdf.size - 1] == static_cast<std::int32_t>(kProbabilityTotal);
    for (std::size_t i = 1; i < cdf.size; ++i) rises = rises && cdf[i - 1] < cdf[i];
    if (!rises) refuse_row(row, "cdf must rise strictly from 0 to 16384");
}

}  // namespace

Tables::Tables(View<const std::int32_t> quantized_cdf, std::size_t row_length,
               View<const std::int32_t> cdf_length, View<const std::int32_t> offset) {
    const std::size_t rows = cdf_length.size;
    if (rows == 0 || rows > kMaxRows)
        throw BadArgument("tables have " + std::to_string(rows) + " rows; accepted: 1..65536");
    if (offset.size != rows || quantized_cdf.size / rows != row_length ||
        quantized_cdf.size % rows != 0) {
        throw BadArgument(
            "tables do not agree in size; accepted: quantized_cdf (K, L), cdf_length (K,), offset "
            "(K,)");
    }
    rows_.reserve(rows);
    for (std::size_t row = 0; row < rows; ++row) {
        const std::int32_t length = cdf_length[row];
        if (length < 2 || static_cast<std::size_t>(length) > row_length) {
            refuse_row(row, "cdf_length is " + std::to_string(length) + "; accepted: 2.." +
                                std::to_string(row_length));
        }
        if (offset[row] > std::numeric_limits<std::int32_t>::max() - length)
            refuse_row(row, "its values leave the range of int32");
        const auto cdf =
            quantized_cdf.from(row * row_length).first(static_cast<std::size_t>(length));
        check_cdf(row, cdf);
        add_row(cdf, offset[row]);
    }
}

void Tables::add_row(View<const std::int32_t> cdf, std::int32_t offset) {
    const bool certain = cdf.size == 2;
    // At most 65536 rows of 16384 entries: entry numbers stay below 2^30, so that gathers with
    // signed numbers reach them.
    const auto first_entry = static_cast<std::uint32_t>(entries_.size());
    const auto values = static_cast<std::uint32_t>(certain ? 1 : cdf.size - 2);
    rows_.push_back({offset, values, first_entry, certain ? 0u : 1u});
    biases_.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(offset) - first_entry));
    coded_.push_back(certain ? 0 : 1);
    all_coded_ = all_coded_ && !certain;
    blends_.push_back(certain ? Blend{0, offset} : Blend{-1, 0});
    add_entries(cdf);
}

void Tables::add_entries(View<const std::int32_t> cdf) {
    const auto first_entry = static_cast<std::uint32_t>(entries_.size());
    for (std::size_t i = 0; i + 1 < cdf.size; ++i) {
        const auto start = static_cast<std::uint32_t>(cdf[i]);
        const auto frequency = static_cast<std::uint32_t>(cdf[i + 1] - cdf[i]) & kEntryMask;
        const bool escape = cdf.size > 2 && i + 2 == cdf.size;
        entries_.push_back(start | frequency << kProbabilityBits | (escape ? kEscapeFlag : 0));
    }
    std::uint32_t symbol = 0;
    for (std::int32_t slot = 0; slot < static_cast<std::int32_t>(kProbabilityTotal);
         slot += 1 << kBucketShift) {
        while (cdf[symbol + 1] <= slot) ++symbol;
        const std::uint32_t value = symbol + static_cast<std::uint32_t>(rows_.back().first_value);
        buckets_.push_back(std::uint64_t{value} << 32 | entries_[first_entry + symbol]);
    }
}

}  // namespace streamcodec
