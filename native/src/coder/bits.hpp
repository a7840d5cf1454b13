// Bits in bytes, least significant bit first, and Elias gamma codes over them: the side part of a
// stream.
#pragma once

#include <cstdint>
#include <vector>

#include "platform/error.hpp"
#include "platform/view.hpp"

namespace streamcodec {

// An Elias gamma code of a value in 1..2^34 - 1 with b + 1 significant bits: b zeros, a one, the b
// low bits of the value.
constexpr unsigned kGammaMaxBits = 33;

class BitWriter {
  public:
    // The low `count` bits of `bits`, count <= 56.
    void put(std::uint64_t bits, unsigned count) {
        pending_ |= (bits & ((std::uint64_t{1} << count) - 1)) << filled_;
        for (filled_ += count; filled_ >= 8; filled_ -= 8, pending_ >>= 8)
            bytes_.push_back(pending_ & 0xff);
    }

    void put_gamma(std::uint64_t value) {
        unsigned bits = 0;
        while (value >> (bits + 1) != 0) ++bits;
        put(std::uint64_t{1} << bits, bits + 1);
        put(value, bits);
    }

    // All bytes, the last one padded with zero bits.
    std::vector<std::uint8_t> finish() {
        if (filled_ != 0) bytes_.push_back(pending_ & 0xff);
        filled_ = 0;
        return std::move(bytes_);
    }

  private:
    std::vector<std::uint8_t> bytes_;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;  // bits in pending_, < 8 between calls
};

class BitReader {
  public:
    explicit BitReader(View<const std::uint8_t> bytes) : bytes_(bytes) {}

    // The next `count` bits, count <= 56. Throws TruncatedStream at the end of the bytes.
    std::uint64_t get(unsigned count) {
        while (filled_ < count) {
            if (next_ == bytes_.size)
                throw TruncatedStream("coded stream ends within its side bits");
            pending_ |= std::uint64_t{bytes_[next_++]} << filled_;
            filled_ += 8;
        }
        const std::uint64_t bits = pending_ & ((std::uint64_t{1} << count) - 1);
        pending_ >>= count;
        filled_ -= count;
        return bits;
    }

    std::uint64_t get_gamma() {
        unsigned bits = 0;
        while (get(1) == 0) {
            if (++bits > kGammaMaxBits)
                throw CorruptStream("coded stream is damaged: an escape code is too long");
        }
        return (std::uint64_t{1} << bits) | get(bits);
    }

    // Bytes begun so far. What is left of the last of them must be padding, zeros, once reading is
    // over.
    std::size_t bytes_read() const { return next_; }
    bool padding_is_zero() const { return pending_ == 0; }

  private:
    View<const std::uint8_t> bytes_;
    std::size_t next_ = 0;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;  // bits in pending_, < 8 between calls
};

}  // namespace streamcodec
