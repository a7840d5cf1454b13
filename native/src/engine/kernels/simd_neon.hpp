// What a vector is for NEON (AArch64). See loops.hpp.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace streamcodec::engine {

namespace {

// 8 int16.
struct Short8 {
    using Vector = int16x8_t;
    static constexpr std::size_t kSize = 8;
    static Vector load(const std::int16_t* from) { return vld1q_s16(from); }
    static void store(std::int16_t* to, Vector a) { vst1q_s16(to, a); }
    static Vector add(Vector a, Vector b) { return vaddq_s16(a, b); }
    static Vector sub(Vector a, Vector b) { return vsubq_s16(a, b); }
};

// There is no product of pairs with their sum, but one that adds one number's products with four to
// four sums. So a pair of inputs takes two of them, and its weights are the first one's of four
// lanes, then the second one's (Kernels::is_planar).
struct Simd {
    using Ints = int32x4_t;
    using Short = Short8;
    using Wide = Short8;
    static constexpr std::size_t kLanes = 4, kMostVectors = 4;
    static constexpr std::size_t kPixels[] = {0, 12, 10, 7, 5};
    static constexpr bool kHasManyRegisters = false;
    static constexpr std::size_t kRowTiles[] = {0, 0, 0, 0, 0};

    static std::size_t block(std::size_t vectors) {
        if (vectors % 4 == 0 || vectors > 6) return 4;
        return vectors > 4 ? 3 : vectors;
    }

    static std::size_t winograd_block(std::size_t vectors) { return block(vectors); }

    static Ints load(const void* from) { return vld1q_s32(static_cast<const std::int32_t*>(from)); }
    // Makes the compiler forget what it knows of a.
    static void hide(Ints& a) { asm volatile("" : "+w"(a)); }
    static Ints load_weights(const std::int16_t* from) {
        return vreinterpretq_s32_s16(vld1q_s16(from));
    }
    static void store(std::int32_t* to, Ints a) { vst1q_s32(to, a); }
    static Ints zero() { return vdupq_n_s32(0); }
    static Ints add(Ints a, Ints b) { return vaddq_s32(a, b); }
    static Ints sub(Ints a, Ints b) { return vsubq_s32(a, b); }
    static Ints pair(const std::int16_t* from) {
        std::int32_t pair;
        __builtin_memcpy(&pair, from, sizeof pair);
        return vdupq_n_s32(pair);
    }
    static Ints multiply_add(Ints sums, Ints x, Ints w) {
        const int16x4_t pair = vget_low_s16(vreinterpretq_s16_s32(x));
        const int16x8_t weights = vreinterpretq_s16_s32(w);
        return vmlal_high_lane_s16(vmlal_lane_s16(sums, vget_low_s16(weights), pair, 0), weights,
                                   pair, 1);
    }

    static void finish(Ints sums, const std::int32_t* shift, const std::int16_t* added,
                       std::int32_t low, std::int32_t high, std::int16_t* output,
                       std::size_t count) {
        Ints a = vshlq_s32(sums, vnegq_s32(vld1q_s32(shift)));
        const bool is_whole = count >= kLanes;
        alignas(8) std::int16_t some[kLanes] = {};
        if (added != nullptr) {
            if (!is_whole) copy(some, added, count);
            a = vaddw_s16(a, vld1_s16(is_whole ? added : some));
        }
        a = vminq_s32(vmaxq_s32(a, vdupq_n_s32(low)), vdupq_n_s32(high));
        vst1_s16(is_whole ? output : some, vmovn_s32(a));
        if (!is_whole) copy(output, some, count);
    }

  private:
    static void copy(std::int16_t* to, const std::int16_t* from, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
    }
};

}  // namespace

}  // namespace streamcodec::engine
