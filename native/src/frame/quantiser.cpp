#include "frame/quantiser.hpp"

#include <algorithm>
#include <string>

#include "coder/cost.hpp"
#include "platform/error.hpp"

namespace streamcodec::frame {

namespace {

void check_row(std::size_t first_row, std::size_t index, const Row& row) {
    const std::string name = "row " + std::to_string(first_row + index) + " of the tables ";
    if (row.coded == 0 && row.first_value != 0) {
        throw BadArgument(name + "is certain with the value " + std::to_string(row.first_value) +
                          "; accepted: 0");
    }
    if (row.coded != 0 && index == 0) throw BadArgument(name + "is coded; accepted: a certain row");
    if (row.first_value < -kMaxSymbol || row.first_value > kMaxSymbol ||
        row.first_value + std::int64_t{row.values} - 1 > kMaxSymbol) {
        throw BadArgument(name + "has values beyond +-" + std::to_string(kMaxSymbol));
    }
}

}  // namespace

Costs::Costs(const Tables& tables, std::size_t first_row) {
    if (tables.rows().size < first_row + kScaleRows) {
        throw BadArgument("tables have " + std::to_string(tables.rows().size) +
                          " rows; accepted: at least " + std::to_string(first_row + kScaleRows));
    }
    for (std::uint16_t i = 0; i < kScaleRows; ++i) {
        const Row& row = tables.rows()[first_row + i];
        check_row(first_row, i, row);
        certain_[i] = row.coded == 0;
        Values& values = rows_[i];
        values.first = row.first_value;
        values.count = static_cast<std::int32_t>(row.values);
        if (row.coded == 0) continue;
        for (std::uint32_t entry = row.first_entry; entry <= row.first_entry + row.values;
             ++entry) {
            values.costs.push_back(
                static_cast<std::uint16_t>(cost_of(frequency_of(tables.entries()[entry]))));
        }
        for (std::int32_t symbol = -kNear; symbol < kNear; ++symbol) {
            near_[i][static_cast<std::size_t>(symbol + kNear)] =
                static_cast<std::uint16_t>(far(i, symbol));
        }
    }
}

std::uint32_t Costs::far(std::uint16_t row, std::int32_t symbol) const {
    const Values& values = rows_[row];
    const std::int32_t place = symbol - values.first;
    if (place >= 0 && place < values.count) return values.costs[static_cast<std::size_t>(place)];
    const std::int32_t code = place < 0 ? -2 * place : 2 * (place - values.count) + 1;
    return values.costs.back() + escape_cost(static_cast<std::uint32_t>(code));
}

void choose(const Costs& costs, std::int32_t lambda, const std::int32_t* y,
            const std::uint8_t* rows, std::int32_t* symbols) {
    std::fill_n(symbols, kChannels, 0);
    for (std::size_t i = 0; i < kChannels; ++i) {
        const std::int32_t magnitude = y[i] < 0 ? -y[i] : y[i];
        if (magnitude < 128 || costs.is_certain(rows[i])) continue;
        const std::int32_t nearest = std::min((magnitude + 128) >> 8, kMaxSymbol);
        const std::int32_t sign = y[i] < 0 ? -1 : 1;
        const auto weighed = [&](std::int32_t candidate) {
            const std::int64_t error = std::int64_t{magnitude} - 256 * candidate;
            return error * error +
                   ((std::int64_t{lambda} * costs.of(rows[i], sign * candidate)) >> 8);
        };
        std::int32_t best = nearest;
        std::int64_t least = weighed(nearest);
        for (const std::int32_t candidate : {nearest - 1, 0}) {
            const std::int64_t cost = weighed(candidate);
            if (cost < least) {
                least = cost;
                best = candidate;
            }
        }
        symbols[i] = sign * best;
    }
}

}  // namespace streamcodec::frame
