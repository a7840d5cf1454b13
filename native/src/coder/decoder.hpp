// Bytes to symbols.
#pragma once

#include <cstdint>
#include <memory>

#include "coder/kernels.hpp"
#include "coder/stream.hpp"
#include "coder/tables.hpp"
#include "platform/cpu.hpp"
#include "platform/view.hpp"

namespace streamcodec {

class Decoder {
  public:
    // Does not copy `stream`, which must stay as it is while the decoder is in use. Throws
    // CorruptStream, TruncatedStream.
    Decoder(std::shared_ptr<const Tables> tables, View<const std::uint8_t> stream,
            InstructionSet set);
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    // The next symbols, one for each index, in the order in which they were put; `symbols` holds
    // indexes.size. Throws BadArgument for an index that is not a row, CorruptStream or
    // TruncatedStream for damage; then the decoder is spent.
    void get(View<const std::uint16_t> indexes, std::int32_t* symbols);

    // The next symbol: as get(), and faster where indexes depend on the symbols before them.
    std::int32_t get_one(std::uint16_t index);

    // Throws CorruptStream unless the stream was read to its end and every state came back to the
    // first one.
    void finish();

    const Tables& tables() const { return *tables_; }

  private:
    void get_block(View<const std::uint16_t> indexes, std::int32_t* symbols);
    void decode(const std::uint16_t* indexes, std::int32_t* symbols, std::size_t count);
    void decode_groups(DecodeJob& job);
    void enter_tail(DecodeJob& job);
    void read_escapes(const DecodeJob& job);

    std::shared_ptr<const Tables> tables_;
    DecodeGroups kernel_ = nullptr;
    std::uint32_t states_[kMaxLanes] = {};
    ParsedHead head_;
    std::size_t lane_ = 0;  // of the next symbol
    bool empty_;            // the stream has no bytes
    bool begun_ = false;    // a symbol was decoded
    bool spent_ = false;

    // Group loops read up to kGroupMaxBytes ahead. So the last of the words are read from here,
    // with zeros after them.
    std::uint8_t tail_[2 * kGroupMaxBytes] = {};
    bool in_tail_ = false;
    const std::uint8_t* words_;
    const std::uint8_t* words_end_;
};

}  // namespace streamcodec
