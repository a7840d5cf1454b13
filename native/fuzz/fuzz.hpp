// What the fuzz targets share. Each is a program of libFuzzer's: it gets bytes, and must neither
// crash nor go on for ever, nor give other results with other instruction sets. What they decode
// is small, so that thousands of inputs a second are tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "platform/cpu.hpp"
#include "platform/view.hpp"

#define FUZZ_CHECK(condition)                                                                  \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            std::abort();                                                                      \
        }                                                                                      \
    } while (false)

namespace fuzz {

// The bytes as a list of choices; zeros when it has ended.
class Choices {
  public:
    Choices(const std::uint8_t* data, std::size_t size) : left_{data, size} {}

    std::uint8_t byte() {
        if (left_.size == 0) return 0;
        const std::uint8_t first = left_[0];
        left_ = left_.from(1);
        return first;
    }
    std::int32_t below(std::int32_t end) { return byte() % end; }
    std::int32_t number() {  // mostly small
        const std::uint8_t head = byte();
        if (head < 200) return head % 16 - 4;
        std::uint32_t bits = 0;
        for (int i = 0; i < 4; ++i) bits = bits << 8 | byte();
        return static_cast<std::int32_t>(bits) >> head % 32;
    }
    template <typename T>
    const T& one_of(const std::vector<T>& values) {
        return values[byte() % values.size()];
    }
    bool has_ended() const { return left_.size == 0; }
    streamcodec::View<const std::uint8_t> rest() const { return left_; }

  private:
    streamcodec::View<const std::uint8_t> left_;
};

// The instruction sets that are compared with plain loops; plain loops again on a CPU without any.
inline const std::vector<streamcodec::InstructionSet>& wide_sets() {
    static const std::vector<streamcodec::InstructionSet> sets = [] {
        auto all = streamcodec::available_instruction_sets();
        if (all.size() > 1) all.erase(all.begin());
        return all;
    }();
    return sets;
}

}  // namespace fuzz
