// Probability tables, checked once and laid out for coding: immutable, so threads may share them.
#pragma once

#include <cstdint>
#include <vector>

#include "coder/layout.hpp"
#include "platform/view.hpp"

namespace streamcodec {

constexpr std::uint32_t start_of(std::uint32_t entry) { return entry & kEntryMask; }
constexpr std::uint32_t frequency_of(std::uint32_t entry) {
    return entry >> kProbabilityBits & kEntryMask;
}

struct Row {
    std::int32_t first_value;
    std::uint32_t
        values;  // how many values the row codes; its escape stands after them. 1 in a certain row
    std::uint32_t first_entry;
    std::uint32_t coded;  // 0 in a certain row, else 1
};

// How a row's symbols come out: (decoded value & mask) | certain_value. Mask 0 in a certain row,
// else all ones and value 0.
struct Blend {
    std::int32_t mask;
    std::int32_t certain_value;
};

class Tables {
  public:
    // Row k has the first cdf_length[k] of the row_length numbers at quantized_cdf[k * row_length]:
    // 0, strictly rising, 16384. It codes cdf_length[k] - 2 values from offset[k] up, and the
    // escape; with length 2 it is certain. Throws BadArgument.
    Tables(View<const std::int32_t> quantized_cdf, std::size_t row_length,
           View<const std::int32_t> cdf_length, View<const std::int32_t> offset);

    View<const Row> rows() const { return {rows_.data(), rows_.size()}; }
    const std::uint32_t* entries() const { return entries_.data(); }
    const std::uint64_t* buckets() const {
        return buckets_.data();
    }  // [row << kBucketBits | slot >> kBucketShift]
    const std::int32_t* biases() const {
        return biases_.data();
    }  // [row]: an entry's value is its number + this, mod 2^32
    const Blend* blends() const { return blends_.data(); }       // [row]
    const std::uint8_t* coded() const { return coded_.data(); }  // [row] -> Row::coded
    bool all_coded() const { return all_coded_; }                // there is no certain row

  private:
    void add_row(View<const std::int32_t> cdf, std::int32_t offset);
    void add_entries(View<const std::int32_t> cdf);

    std::vector<Row> rows_;
    std::vector<std::uint32_t> entries_;
    std::vector<std::uint64_t> buckets_;
    std::vector<std::int32_t> biases_;
    std::vector<Blend> blends_;
    std::vector<std::uint8_t> coded_;
    bool all_coded_ = true;
};

}  // namespace streamcodec
