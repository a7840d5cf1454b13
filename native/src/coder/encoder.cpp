#include "coder/encoder.hpp"

#include <algorithm>
#include <string>

#include "coder/dispatch.hpp"
#include "coder/scalar.hpp"
#include "coder/stream.hpp"
#include "platform/error.hpp"

namespace streamcodec {

namespace {

// Fewer lanes cost fewer bytes (2.3 each), more lanes take less time. Up to the first bound one
// lane takes under 0.2 ms, up to the second four take under 2 ms; above it 32 lanes cost under 0.5
// % at half a bit a symbol.
std::size_t lanes_for(std::size_t symbols) {
    return symbols <= 16384 ? 1 : symbols <= 262144 ? 4 : kMaxLanes;
}

[[noreturn]] void refuse_index(std::size_t index, std::size_t rows) {
    throw BadArgument("index " + std::to_string(index) +
                      " is not a row of the tables; accepted: 0.." + std::to_string(rows - 1));
}

}  // namespace

Encoder::Encoder(std::shared_ptr<const Tables> tables, InstructionSet set, std::size_t lanes)
    : tables_(std::move(tables)), set_(set), lanes_(lanes) {
    if (lanes != 0 && lanes != 1 && lanes != 4 && lanes != kMaxLanes) {
        throw BadArgument("lanes is " + std::to_string(lanes) + "; accepted: 1, 4, 32");
    }
}

void Encoder::put(View<const std::int32_t> symbols, View<const std::uint16_t> indexes) {
    if (finished_) throw BadArgument("put() after finish(); make a new Encoder for each stream");
    if (symbols.size != indexes.size) {
        throw BadArgument("put() got " + std::to_string(symbols.size) + " symbols and " +
                          std::to_string(indexes.size) +
                          " indexes; accepted: one index for each symbol");
    }
    const std::size_t count_before = count_;
    const std::size_t escapes_before = escape_codes_.size();
    try {
        for (std::size_t i = 0; i < symbols.size;) {
            if (count_ / kChunk == chunks_.size()) chunks_.emplace_back(new Chunk);
            const std::size_t used = count_ % kChunk;
            const std::size_t size = std::min(kChunk - used, symbols.size - i);
            count_ += put_block(symbols.data + i, indexes.data + i, size,
                                chunks_[count_ / kChunk]->data() + used);
            i += size;
        }
    } catch (...) {
        count_ = count_before;
        escape_codes_.resize(escapes_before);
        throw;
    }
}

// Writes the entries of the coded symbols among `count` to `to` and returns their number.
std::size_t Encoder::put_block(const std::int32_t* symbols, const std::uint16_t* indexes,
                               std::size_t count, std::uint32_t* to) {
    const View<const Row> rows = tables_->rows();
    const std::uint32_t* entries = tables_->entries();
    std::size_t coded = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t index = indexes[i];
        if (index >= rows.size) refuse_index(index, rows.size);
        const Row& row = rows[index];
        const std::uint32_t value =
            static_cast<std::uint32_t>(symbols[i]) - static_cast<std::uint32_t>(row.first_value);
        to[coded] = value < row.values ? entries[row.first_entry + value] : escape(row, symbols[i]);
        coded += row.coded;
    }
    return coded;
}

// Notes the escape code of a value outside of the row and returns the row's escape.
std::uint32_t Encoder::escape(const Row& row, std::int32_t value) {
    if (row.coded == 0) {
        throw BadArgument("symbol " + std::to_string(value) +
                          " in a certain row; accepted: " + std::to_string(row.first_value));
    }
    const std::int64_t above =
        std::int64_t{value} - row.first_value - row.values;  // >= 0, or < -values
    const std::int64_t code =
        above >= 0 ? 2 * above + 1 : 2 * (std::int64_t{row.first_value} - value);
    escape_codes_.push_back(static_cast<std::uint64_t>(code));
    return tables_->entries()[row.first_entry + row.values];
}

std::vector<std::uint8_t> Encoder::finish() {
    if (finished_) throw BadArgument("finish() called twice; make a new Encoder for each stream");
    finished_ = true;
    if (count_ == 0) return {};

    const std::size_t lanes = lanes_ != 0 ? lanes_ : lanes_for(count_);
    std::uint32_t states[kMaxLanes];
    std::fill_n(states, kMaxLanes, kFirstState);
    const std::size_t size = 2 * count_ + kGroupMaxBytes;  // a symbol takes at most one word
    const std::unique_ptr<std::uint8_t[]> buffer(new std::uint8_t[size]);
    std::uint8_t* const end = buffer.get() + size;
    std::uint8_t* words = end;
    for (std::size_t chunk = (count_ + kChunk - 1) / kChunk; chunk-- > 0;) {
        words = encode(chunks_[chunk]->data(), std::min(kChunk, count_ - chunk * kChunk), states,
                       lanes, words);
    }
    std::vector<std::uint8_t> stream =
        write_head({states, lanes}, {escape_codes_.data(), escape_codes_.size()});
    stream.insert(stream.end(), words, end);
    return stream;
}

// Codes a chunk, of which the first entry belongs to lane 0.
std::uint8_t* Encoder::encode(const std::uint32_t* entries, std::size_t count,
                              std::uint32_t* states, std::size_t lanes, std::uint8_t* words) const {
    const EncodeGroups encode_groups = lanes == kMaxLanes ? kernels_for(set_).encode : nullptr;
    if (encode_groups == nullptr) return encode_symbols(entries, count, states, lanes, words);
    const std::size_t grouped = count - count % kGroup;
    words = encode_symbols(entries + grouped, count - grouped, states, lanes, words);
    return encode_groups(entries, grouped / kGroup, states, words);
}

}  // namespace streamcodec
