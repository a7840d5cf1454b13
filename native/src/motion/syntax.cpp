#include "motion/syntax.hpp"

#include <string>

#include "coder/cost.hpp"
#include "motion/coder.hpp"
#include "platform/error.hpp"

namespace streamcodec {

Alphabet motion_alphabet(int row) {
    const int r = row % kMotionClassRows;
    if (r < MotionCoder::kModeRow) return {0, kKinds};
    if (r < MotionCoder::kFilterRow) return {0, kModes};
    if (r < MotionCoder::kChoiceRow) return {0, kFilters};
    if (r < MotionCoder::kDifferenceRow) return {0, kChoices};
    return {-kMaxDifference, 2 * kMaxDifference + 1};
}

void write_motion(MotionField& field, const MotionContext& context, SymbolSink& sink) {
    field.check();
    MotionCoder coder(field, context);
    for (int row = 0; row < field.rows; ++row) {
        for (int column = 0; column < field.columns; ++column) {
            const Surroundings at = coder.look(row, column);
            const Macroblock macroblock = coder.macroblock_at(at);
            if (macroblock.mode != kFromPrevious && !context.has_key) {
                throw BadArgument("the motion field uses a key frame; the context has none");
            }
            if (macroblock.mode == kAverage) {
                for (int k = 1; k < 4; ++k) {
                    if (macroblock.blocks[k].key != macroblock.blocks[0].key) {
                        throw BadArgument(
                            "a macroblock of mode 2 has different key vectors; accepted: one for "
                            "all blocks");
                    }
                }
            }
            coder.commit(at, coder.put(at, macroblock, sink));
        }
    }
}

MotionField read_motion(int rows, int columns, const MotionContext& context, SymbolSource& source) {
    MotionField field(rows, columns);
    MotionCoder coder(field, context);
    for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
            const Surroundings at = coder.look(row, column);
            coder.commit(at, coder.get(at, source));
        }
    }
    return field;
}

void EncoderSink::flush() {
    encoder_.put({symbols_.data(), symbols_.size()}, {rows_.data(), rows_.size()});
    symbols_.clear();
    rows_.clear();
}

std::int32_t DecoderSource::get(int row) {
    return decoder_.get_one(static_cast<std::uint16_t>(first_row_ + row));
}

void CountingSink::put(std::int32_t symbol, int row) {
    const Alphabet alphabet = motion_alphabet(row);
    const std::int64_t place = std::int64_t{symbol} - alphabet.first;
    const int known = place >= 0 && place < alphabet.count ? static_cast<int>(place) : kPlaces - 1;
    ++counts_[static_cast<std::size_t>(row * kPlaces + known)];
}

MotionCosts::MotionCosts(const Tables& tables, int first_row)
    : costs_(static_cast<std::size_t>(kMotionRows * kWidth)) {
    if (first_row < 0 || static_cast<std::size_t>(first_row) + kMotionRows > tables.rows().size) {
        throw BadArgument("the tables have " + std::to_string(tables.rows().size) +
                          " rows; accepted: " + std::to_string(kMotionRows) +
                          " rows of motion from row " + std::to_string(first_row));
    }
    for (int row = 0; row < kMotionRows; ++row) {
        const Row& entry = tables.rows()[static_cast<std::size_t>(first_row + row)];
        const Alphabet alphabet = motion_alphabet(row);
        if (!entry.coded || entry.first_value > alphabet.first ||
            std::int64_t{entry.first_value} + entry.values <
                std::int64_t{alphabet.first} + alphabet.count) {
            throw BadArgument("row " + std::to_string(row) + " of motion does not code its " +
                              std::to_string(alphabet.count) + " values");
        }
        std::uint32_t* const costs = &costs_[static_cast<std::size_t>(row * kWidth)];
        const auto frequency = [&](std::int64_t place) {
            return frequency_of(
                tables.entries()[entry.first_entry + static_cast<std::size_t>(place)]);
        };
        for (int k = 0; k < alphabet.count; ++k)
            costs[kMaxDifference + alphabet.first + k] =
                cost_of(frequency(alphabet.first + k - entry.first_value));
        costs[kWidth - 1] = cost_of(frequency(entry.values));
    }
}

std::uint32_t MotionCosts::escape(std::int32_t symbol, int row) const {
    const auto distance = static_cast<std::uint32_t>(std::abs(symbol) - kMaxDifference);
    const std::uint32_t code = 2 * (distance - 1) + (symbol > 0 ? 1 : 2);
    return costs_[static_cast<std::size_t>(row * CountingSink::kPlaces + CountingSink::kPlaces -
                                           1)] +
           escape_cost(code);
}

}  // namespace streamcodec
