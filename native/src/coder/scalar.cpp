#include "coder/scalar.hpp"

#include "coder/stream.hpp"
#include "coder/tables.hpp"
#include "platform/error.hpp"

namespace streamcodec {

namespace {

template <std::size_t kLanes>
std::uint8_t* encode(const std::uint32_t* entries, std::size_t count, std::uint32_t* states,
                     std::uint8_t* words) {
    for (std::size_t i = count; i-- > 0;) {
        const std::uint32_t frequency = frequency_of(entries[i]);
        std::uint32_t x = states[i % kLanes];
        if (x >= frequency << (kStateBits + 16 - kProbabilityBits)) {
            words -= 2;
            words[0] = static_cast<std::uint8_t>(x & 0xff);
            words[1] = static_cast<std::uint8_t>(x >> 8 & 0xff);
            x >>= 16;
        }
        states[i % kLanes] =
            ((x / frequency) << kProbabilityBits) + x % frequency + start_of(entries[i]);
    }
    return words;
}

template <std::size_t kLanes>
void decode(DecodeJob& job, std::size_t count, std::size_t lane, const std::uint8_t* words_end) {
    const std::uint8_t* words = job.words;
    for (std::size_t i = job.done; i < count; ++i, ++lane) {
        std::uint32_t x = job.states[lane % kLanes];
        const std::uint32_t slot = x & (kProbabilityTotal - 1);
        const std::uint64_t bucket =
            job.buckets[std::uint32_t{job.indexes[i]} << kBucketBits | slot >> kBucketShift];
        auto entry = static_cast<std::uint32_t>(bucket);
        auto value = static_cast<std::uint32_t>(bucket >> 32);
        if (slot - start_of(entry) >= frequency_of(entry)) {
            const std::uint32_t* at =
                job.entries + (value - static_cast<std::uint32_t>(job.biases[job.indexes[i]]));
            for (; slot - start_of(entry) >= frequency_of(entry); ++value) entry = *++at;
        }
        if ((entry & kEscapeFlag) != 0)
            job.escapes[job.escape_count++] = static_cast<std::uint32_t>(i);
        job.symbols[i] = static_cast<std::int32_t>(value);
        x = frequency_of(entry) * (x >> kProbabilityBits) + slot - start_of(entry);
        if (x < kFirstState) {
            if (words == words_end)
                throw TruncatedStream("coded stream ends before its symbols do");
            x = x << 16 | static_cast<std::uint32_t>(words[0]) |
                static_cast<std::uint32_t>(words[1]) << 8;
            words += 2;
        }
        job.states[lane % kLanes] = x;
    }
    job.words = words;
    job.done = count;
}

}  // namespace

std::uint8_t* encode_symbols(const std::uint32_t* entries, std::size_t count, std::uint32_t* states,
                             std::size_t lanes, std::uint8_t* words) {
    if (lanes == 1) return encode<1>(entries, count, states, words);
    if (lanes == 4) return encode<4>(entries, count, states, words);
    return encode<kMaxLanes>(entries, count, states, words);
}

void decode_symbols(DecodeJob& job, std::size_t count, std::size_t lane, std::size_t lanes,
                    const std::uint8_t* words_end) {
    if (lanes == 1) return decode<1>(job, count, lane, words_end);
    if (lanes == 4) return decode<4>(job, count, lane, words_end);
    return decode<kMaxLanes>(job, count, lane, words_end);
}

}  // namespace streamcodec
