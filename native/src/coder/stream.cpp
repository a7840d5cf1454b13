#include "coder/stream.hpp"

#include <string>

namespace streamcodec {

namespace {

constexpr unsigned kLaneBitsMask = 7;
constexpr unsigned kEscapesBit = 8;
constexpr unsigned kLengthMaxBytes = 5;
constexpr unsigned kStateSizeBits = 4;

unsigned lane_bits_of(std::size_t lanes) { return lanes == 1 ? 0 : lanes == 4 ? 2 : 5; }

void put_state(BitWriter& side, std::uint32_t state) {
    unsigned k = 0;
    while (state >> (kStateBits + k + 1) != 0) ++k;
    side.put(k, kStateSizeBits);
    side.put(state, kStateBits + k);
}

std::uint32_t get_state(BitReader& side) {
    const auto k = static_cast<unsigned>(side.get(kStateSizeBits));
    return static_cast<std::uint32_t>(std::uint64_t{1} << (kStateBits + k) |
                                      side.get(kStateBits + k));
}

void put_length(std::vector<std::uint8_t>& bytes, std::size_t length) {
    for (; length >= 128; length >>= 7) bytes.push_back(static_cast<std::uint8_t>(length | 128));
    bytes.push_back(static_cast<std::uint8_t>(length));
}

// Reads `length` off the front of `stream`.
std::size_t take_length(View<const std::uint8_t>& stream) {
    std::uint64_t length = 0;
    for (unsigned i = 0; i < kLengthMaxBytes; ++i) {
        if (i == stream.size) throw TruncatedStream("coded stream ends within its head");
        length |= std::uint64_t{stream[i] & 127u} << (7 * i);
        if (stream[i] >= 128) continue;
        if (stream[i] == 0 && i > 0) break;
        stream = stream.from(i + 1);
        if (length > stream.size) {
            throw TruncatedStream("coded stream needs " + std::to_string(length) +
                                  " bytes of side bits, but has " + std::to_string(stream.size));
        }
        return static_cast<std::size_t>(length);
    }
    throw CorruptStream(
        "coded stream is damaged: the length of its side bits is not a valid number");
}

Head parse_head(std::uint8_t byte) {
    const unsigned lane_bits = byte & kLaneBitsMask;
    if ((lane_bits != 0 && lane_bits != 2 && lane_bits != 5) || byte >= 2 * kEscapesBit) {
        throw CorruptStream("coded stream is damaged: its first byte is " + std::to_string(byte));
    }
    return {1u << lane_bits, (byte & kEscapesBit) != 0};
}

}  // namespace

std::vector<std::uint8_t> write_head(View<const std::uint32_t> states,
                                     View<const std::uint64_t> escape_codes) {
    BitWriter side;
    for (const std::uint32_t state : states) put_state(side, state);
    for (const std::uint64_t code : escape_codes) side.put_gamma(code);
    const std::vector<std::uint8_t> side_bytes = side.finish();

    const bool escapes = escape_codes.size != 0;
    std::vector<std::uint8_t> bytes;
    bytes.push_back(
        static_cast<std::uint8_t>(lane_bits_of(states.size) | (escapes ? kEscapesBit : 0)));
    if (escapes) put_length(bytes, side_bytes.size());
    bytes.insert(bytes.end(), side_bytes.begin(), side_bytes.end());
    return bytes;
}

ParsedHead read_head(View<const std::uint8_t> stream, std::uint32_t* states) {
    if (stream.size == 0) return {{}, BitReader({}), 0, stream};
    const Head head = parse_head(stream[0]);
    stream = stream.from(1);
    const std::size_t side_limit = head.escapes ? take_length(stream) : stream.size;
    BitReader side(stream.first(side_limit));
    for (unsigned lane = 0; lane < head.lanes; ++lane) states[lane] = get_state(side);

    const std::size_t side_size = head.escapes ? side_limit : side.bytes_read();
    const View<const std::uint8_t> words = stream.from(side_size);
    if (words.size % 2 != 0) throw TruncatedStream("coded stream ends within a word");
    if (head.escapes) return {head, side, side_size, words};
    if (!side.padding_is_zero())
        throw CorruptStream("coded stream is damaged: padding is not zero");
    return {head, BitReader({}), 0, words};
}

}  // namespace streamcodec
