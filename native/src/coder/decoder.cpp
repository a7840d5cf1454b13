#include "coder/decoder.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "coder/dispatch.hpp"
#include "coder/scalar.hpp"
#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kBlock = 1024 + 512;

void check_indexes(View<const std::uint16_t> indexes, std::size_t rows) {
    std::uint16_t highest = 0;
    for (const std::uint16_t index : indexes) highest = std::max(highest, index);
    if (highest >= rows) {
        throw BadArgument("index " + std::to_string(highest) +
                          " is not a row of the tables; accepted: 0.." + std::to_string(rows - 1));
    }
}

std::int32_t escaped_value(const Row& row, std::uint64_t code) {
    const auto distance = static_cast<std::int64_t>((code + 1) / 2);
    const std::int64_t value = code % 2 == 1
                                   ? std::int64_t{row.first_value} + row.values - 1 + distance
                                   : row.first_value - distance;
    if (value < std::numeric_limits<std::int32_t>::min() ||
        value > std::numeric_limits<std::int32_t>::max()) {
        throw CorruptStream("coded stream is damaged: an escaped value is not an int32");
    }
    return static_cast<std::int32_t>(value);
}

}  // namespace

Decoder::Decoder(std::shared_ptr<const Tables> tables, View<const std::uint8_t> stream,
                 InstructionSet set)
    : tables_(std::move(tables)), head_(read_head(stream, states_)), empty_(stream.size == 0) {
    if (head_.head.lanes == kMaxLanes) kernel_ = kernels_for(set).decode;
    words_ = head_.words.begin();
    words_end_ = head_.words.end();
}

void Decoder::get(View<const std::uint16_t> indexes, std::int32_t* symbols) {
    if (spent_)
        throw BadArgument(
            "this decoder has failed or is finished; make a new Decoder for each stream");
    spent_ = true;
    for (std::size_t i = 0; i < indexes.size; i += kBlock) {
        get_block(indexes.from(i).first(std::min(kBlock, indexes.size - i)), symbols + i);
    }
    spent_ = false;
}

std::int32_t Decoder::get_one(std::uint16_t index) {
    if (spent_)
        throw BadArgument(
            "this decoder has failed or is finished; make a new Decoder for each stream");
    spent_ = true;
    check_indexes({&index, 1}, tables_->rows().size);
    std::int32_t symbol = tables_->rows()[index].first_value;
    if (tables_->rows()[index].coded != 0) {
        if (empty_) throw TruncatedStream("coded stream is empty, but symbols are asked of it");
        begun_ = true;
        std::uint32_t escape = 0;
        DecodeJob job{tables_->buckets(),
                      tables_->entries(),
                      tables_->biases(),
                      &index,
                      &symbol,
                      &escape,
                      0,
                      0,
                      1,
                      states_,
                      words_};
        decode_symbols(job, 1, lane_, head_.head.lanes, words_end_);
        lane_ = (lane_ + 1) % head_.head.lanes;
        words_ = job.words;
        read_escapes(job);
    }
    spent_ = false;
    return symbol;
}

void Decoder::get_block(View<const std::uint16_t> indexes, std::int32_t* symbols) {
    // Works on a copy, so that an array which another thread changes meanwhile cannot lead beyond
    // the tables.
    std::uint16_t copy[kBlock];
    std::copy(indexes.begin(), indexes.end(), copy);
    const std::size_t size = indexes.size;
    check_indexes({copy, size}, tables_->rows().size);
    if (tables_->all_coded()) return decode(copy, symbols, size);

    const std::uint8_t* const is_coded = tables_->coded();
    std::uint16_t coded_indexes[kBlock + 1];
    std::size_t coded = 0;
    for (std::size_t i = 0; i < size; ++i) {
        coded_indexes[coded] = copy[i];
        coded += is_coded[copy[i]];
    }
    if (coded == size) return decode(copy, symbols, size);

    std::int32_t coded_symbols[kBlock + 1];
    decode(coded_indexes, coded_symbols, coded);
    coded_symbols[coded] = 0;  // looked at, but not used, where the last symbols are certain: so
                               // the loop has no branch
    const std::int32_t* next = coded_symbols;
    for (std::size_t i = 0; i < size; ++i) {
        const Blend blend = tables_->blends()[copy[i]];
        symbols[i] = (*next & blend.mask) | blend.certain_value;
        next += blend.mask & 1;
    }
}

// The next `count` coded symbols, at most kBlock.
void Decoder::decode(const std::uint16_t* indexes, std::int32_t* symbols, std::size_t count) {
    if (count == 0) return;
    if (empty_) throw TruncatedStream("coded stream is empty, but symbols are asked of it");
    begun_ = true;
    const std::size_t lanes = head_.head.lanes;
    std::uint32_t escapes[kBlock];
    DecodeJob job{tables_->buckets(),
                  tables_->entries(),
                  tables_->biases(),
                  indexes,
                  symbols,
                  escapes,
                  0,
                  0,
                  count,
                  states_,
                  words_};
    if (kernel_ != nullptr) {
        const std::size_t to_lane_0 = std::min(count, (lanes - lane_) % lanes);
        decode_symbols(job, to_lane_0, lane_, lanes, words_end_);
        lane_ = (lane_ + to_lane_0) % lanes;
        decode_groups(job);
    }
    const std::size_t rest = count - job.done;
    decode_symbols(job, count, lane_, lanes, words_end_);
    lane_ = (lane_ + rest) % lanes;
    words_ = job.words;
    read_escapes(job);
}

// As many whole groups as the job has, from lane 0 on.
void Decoder::decode_groups(DecodeJob& job) {
    while (job.count - job.done >= kGroup) {
        if (!in_tail_ && static_cast<std::size_t>(words_end_ - job.words) < kGroupMaxBytes)
            enter_tail(job);
        kernel_(job, in_tail_ ? words_end_ : words_end_ - kGroupMaxBytes);
        if (in_tail_ && job.words > words_end_)
            throw TruncatedStream("coded stream ends before its symbols do");
    }
}

void Decoder::enter_tail(DecodeJob& job) {
    const std::uint8_t* const end = std::copy(job.words, words_end_, tail_);
    job.words = tail_;
    words_end_ = end;
    in_tail_ = true;
}

void Decoder::read_escapes(const DecodeJob& job) {
    for (std::size_t i = 0; i < job.escape_count; ++i) {
        const std::uint32_t position = job.escapes[i];
        job.symbols[position] =
            escaped_value(tables_->rows()[job.indexes[position]], head_.escapes.get_gamma());
    }
}

void Decoder::finish() {
    if (spent_)
        throw BadArgument(
            "this decoder has failed or is finished; make a new Decoder for each stream");
    spent_ = true;
    if (empty_) return;
    if (!begun_) throw CorruptStream("coded stream has symbols, but none were asked of it");
    if (words_ != words_end_) throw CorruptStream("coded stream goes on after its last symbol");
    if (head_.escapes.bytes_read() != head_.side_size || !head_.escapes.padding_is_zero()) {
        throw CorruptStream("coded stream has side bits after its last escape");
    }
    for (std::size_t lane = 0; lane < head_.head.lanes; ++lane) {
        if (states_[lane] != kFirstState)
            throw CorruptStream("coded stream is damaged: its last state is wrong");
    }
}

}  // namespace streamcodec
