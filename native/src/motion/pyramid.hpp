// Coarse vectors of whole pixels for every macroblock, from pictures at 1/2, 1/4 and 1/8 size.
#pragma once

#include <array>
#include <vector>

#include "motion/field.hpp"
#include "motion/kernels.hpp"

namespace streamcodec {

class Team;

// A luma plane at 1/2, 1/4 and 1/8 of its size, rounded down.
class Pyramid {
  public:
    static constexpr int kLevels = 3;

    Pyramid(const Plane& full, const MotionKernels& kernels);
    const Plane& level(int k) const { return levels_[static_cast<std::size_t>(k - 1)]; }  // 1..3

  private:
    std::array<Plane, kLevels> levels_;
};

// One vector in quarter pixels for each macroblock (row * columns + column), multiples of 4 in both
// components. `reach`: of the full search at 1/8 size, in pixels there.
std::vector<Vector> coarse_motion(const Pyramid& current, const Pyramid& reference,
                                  const MotionField* previous, int rows, int columns, int reach,
                                  const MotionKernels& kernels, Team* team);

}  // namespace streamcodec
