// Where a new scene begins, from two cheap looks at each pair of neighbouring frames' luma, shrunk
// to 96x64. Integers.
//
//     score = (share + histogram) / 2                 0 = the same picture, 1 = nothing in common
//     share      = inter / (inter + intra + 1)        mean absolute error, in grey levels, of the
//     motion-compensated
//                                                     last frame (inter) and of a 9x9 box blur of
//                                                     the frame itself (intra): what prediction is
//                                                     worth
//     histogram  = half the L1 distance of 32-bin histograms
//     a cut  <=>  score >= threshold  and  score >= m + 0.2 (1 - m)     m: running mean of the
//     scores so far, halved
//                                                                       at each step
//
// The running mean keeps fast motion, whose scores are all high, from being cut into pieces.
#pragma once

#include <cstdint>
#include <optional>

#include "motion/field.hpp"
#include "platform/cpu.hpp"
#include "platform/view.hpp"

namespace streamcodec {

class SceneCutDetector {
  public:
    static constexpr int kHeight = 64, kWidth = 96;
    static constexpr std::int64_t kOne = 65536;  // a score or threshold of 1

    // threshold in 0..kOne, 0 = off. Throws BadArgument.
    SceneCutDetector(std::int64_t threshold, InstructionSet set);

    // Whether a frame begins a new scene. `luma` holds height * width pixels, height and width at
    // least 1. The first frame does not begin one: nothing was there before.
    bool is_cut(const std::uint8_t* luma, int height, int width);

    std::int64_t last_score() const { return score_; }  // 0..kOne; 0 before the second frame

  private:
    std::int64_t threshold_;
    InstructionSet set_;
    std::optional<Plane> last_;
    std::int64_t mean_ = 0, score_ = 0;
};

// 64x96 mean values of the pixels that each covers.
Plane shrink_for_cuts(const std::uint8_t* luma, int height, int width);

// 0..kOne for two planes of 64x96.
std::int64_t cut_score(const Plane& current, const Plane& last, InstructionSet set);

}  // namespace streamcodec
