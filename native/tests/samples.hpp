// Tables and symbols to test with.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "coder/decoder.hpp"
#include "coder/encoder.hpp"
#include "coder/tables.hpp"
#include "platform/cpu.hpp"

namespace samples {

using namespace streamcodec;
using Bytes = std::vector<std::uint8_t>;

template <typename T>
View<const T> view(const std::vector<T>& values) {
    return {values.data(), values.size()};
}

struct TableArrays {
    std::size_t row_length = 0;
    std::vector<std::int32_t> cdf, length, offset;

    std::shared_ptr<const Tables> tables() const {
        return std::make_shared<Tables>(view(cdf), row_length, view(length), view(offset));
    }
};

// Rows given as their cdf, each with offset 0 unless `offsets` says otherwise.
inline TableArrays rows_of(const std::vector<std::vector<std::int32_t>>& cdfs,
                           std::vector<std::int32_t> offsets = {}) {
    TableArrays arrays;
    for (const auto& cdf : cdfs) arrays.row_length = std::max(arrays.row_length, cdf.size());
    for (auto cdf : cdfs) {
        arrays.length.push_back(static_cast<std::int32_t>(cdf.size()));
        cdf.resize(arrays.row_length);
        arrays.cdf.insert(arrays.cdf.end(), cdf.begin(), cdf.end());
    }
    offsets.resize(cdfs.size());
    arrays.offset = offsets;
    return arrays;
}

// Row 0 is certain (value 3), row 1 nearly so, the others have 1 to 300 values of random frequency.
inline TableArrays random_tables(std::mt19937& random, std::size_t rows) {
    std::vector<std::vector<std::int32_t>> cdfs{{0, 16384}, {0, 16383, 16384}};
    std::vector<std::int32_t> offsets{3, -1};
    while (cdfs.size() < rows) {
        const std::size_t most = 1 + random() % 300;
        const std::size_t values = 1 + random() % most;
        std::vector<bool> is_edge(16384);
        std::vector<std::int32_t> cdf{0};
        for (std::size_t i = 0; i < values; ++i) {
            const std::size_t divisor = 1 + random() % 64;
            is_edge[1 + random() % 16383 / divisor] = true;
        }
        for (std::int32_t edge = 1; edge < 16384; ++edge) {
            if (is_edge[static_cast<std::size_t>(edge)]) cdf.push_back(edge);
        }
        cdf.push_back(16384);
        offsets.push_back(static_cast<std::int32_t>(random() % 400) - 200);
        cdfs.push_back(cdf);
    }
    return rows_of(cdfs, offsets);
}

struct Symbols {
    std::vector<std::int32_t> symbols;
    std::vector<std::uint16_t> indexes;
};

// A symbol that is as likely as its row says; an escape is any int32 outside of the row.
inline std::int32_t random_symbol(std::mt19937& random, const Tables& tables, const Row& row) {
    std::uint32_t number = row.first_entry;
    const std::uint32_t slot = random() % kProbabilityTotal;
    if (row.coded != 0) {
        while (start_of(tables.entries()[number]) + frequency_of(tables.entries()[number]) <= slot)
            ++number;
    }
    const auto symbol = static_cast<std::int32_t>(number - row.first_entry) + row.first_value;
    if ((tables.entries()[number] & kEscapeFlag) == 0) return symbol;
    const std::int32_t below = row.first_value - 1 - static_cast<std::int32_t>(random() % 9);
    const std::int32_t far = random() % 2 == 0 ? std::numeric_limits<std::int32_t>::min()
                                               : std::numeric_limits<std::int32_t>::max();
    return random() % 4 == 0   ? far
           : random() % 2 == 0 ? below
                               : symbol + static_cast<std::int32_t>(random() % 9);
}

// `count` symbols of any rows.
inline Symbols random_symbols(std::mt19937& random, const Tables& tables, std::size_t count) {
    Symbols made;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t index = random() % tables.rows().size;
        made.symbols.push_back(random_symbol(random, tables, tables.rows()[index]));
        made.indexes.push_back(static_cast<std::uint16_t>(index));
    }
    return made;
}

// `count` symbols of the first rows of `indexes`.
inline Symbols random_symbols(std::mt19937& random, const Tables& tables,
                              const std::vector<std::uint16_t>& indexes, std::size_t count) {
    Symbols made;
    for (std::size_t i = 0; i < count; ++i) {
        made.symbols.push_back(random_symbol(random, tables, tables.rows()[indexes[i]]));
        made.indexes.push_back(indexes[i]);
    }
    return made;
}

inline Bytes encode(std::shared_ptr<const Tables> tables, const Symbols& symbols,
                    InstructionSet set, std::size_t lanes = 0) {
    Encoder encoder(std::move(tables), set, lanes);
    encoder.put(view(symbols.symbols), view(symbols.indexes));
    return encoder.finish();
}

inline std::vector<std::int32_t> decode(std::shared_ptr<const Tables> tables, const Bytes& bytes,
                                        const std::vector<std::uint16_t>& indexes,
                                        InstructionSet set) {
    Decoder decoder(std::move(tables), view(bytes), set);
    std::vector<std::int32_t> symbols(indexes.size());
    decoder.get(view(indexes), symbols.data());
    decoder.finish();
    return symbols;
}

}  // namespace samples
