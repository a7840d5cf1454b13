// Symbols to bytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "coder/tables.hpp"
#include "platform/cpu.hpp"
#include "platform/view.hpp"

namespace streamcodec {

class Encoder {
  public:
    // `lanes`: 1, 4, 32, or 0 for what suits the number of symbols. Throws BadArgument for others.
    Encoder(std::shared_ptr<const Tables> tables, InstructionSet set, std::size_t lanes = 0);

    // Appends symbols, each with the row that its index names. Keeps 4 bytes for each coded symbol:
    // rANS codes from the last symbol to the first, so nothing can be coded before finish(). Throws
    // BadArgument, having appended nothing, for sizes that differ, an index that is not a row, or a
    // value other than the only one of a certain row.
    void put(View<const std::int32_t> symbols, View<const std::uint16_t> indexes);

    // The stream of all symbols put so far. Throws BadArgument when called again, as does put()
    // afterwards.
    std::vector<std::uint8_t> finish();

    const Tables& tables() const { return *tables_; }

  private:
    std::size_t put_block(const std::int32_t* symbols, const std::uint16_t* indexes,
                          std::size_t count, std::uint32_t* to);
    std::uint32_t escape(const Row& row, std::int32_t value);
    std::uint8_t* encode(const std::uint32_t* entries, std::size_t count, std::uint32_t* states,
                         std::size_t lanes, std::uint8_t* words) const;

    std::shared_ptr<const Tables> tables_;
    InstructionSet set_;
    std::size_t lanes_;

    // Entries of the coded symbols, in order. In chunks, so that nothing moves when it grows and no
    // size is unusual.
    static constexpr std::size_t kChunk = 16384;
    using Chunk = std::array<std::uint32_t, kChunk + 1>;  // put_block() writes one place ahead
    std::vector<std::unique_ptr<Chunk>> chunks_;
    std::size_t count_ = 0;

    std::vector<std::uint64_t> escape_codes_;  // c of stream.hpp
    bool finished_ = false;
};

}  // namespace streamcodec
