// The bases of the transforms: constants only, so that files for an instruction set may include it.
#pragma once

#include <cstdint>

namespace streamcodec::frame {

// [frequency][pixel]: round(2^13 * sqrt(2 / N) * (frequency == 0 ? sqrt(1 / 2) : 1) * cos(pi (2 pixel + 1) frequency / 2N)).
constexpr std::int16_t kBasis8[8][8] = {{2896, 2896, 2896, 2896, 2896, 2896, 2896, 2896},
                                        {4017, 3406, 2276, 799, -799, -2276, -3406, -4017},
                                        {3784, 1567, -1567, -3784, -3784, -1567, 1567, 3784},
                                        {3406, -799, -4017, -2276, 2276, 4017, 799, -3406},
                                        {2896, -2896, -2896, 2896, 2896, -2896, -2896, 2896},
                                        {2276, -4017, 799, 3406, -3406, -799, 4017, -2276},
                                        {1567, -3784, 3784, -1567, -1567, 3784, -3784, 1567},
                                        {799, -2276, 3406, -4017, 4017, -3406, 2276, -799}};
constexpr std::int16_t kBasis4[4][4] = {
    {4096, 4096, 4096, 4096}, {5352, 2217, -2217, -5352}, {4096, -4096, -4096, 4096}, {2217, -5352, 5352, -2217}};

// Right shifts of the first and the second pass, forward and inverse; each rounds halves up.
constexpr int kForward1 = 10, kForward2 = 13, kInverse1 = 12, kInverse2 = 13;

}  // namespace streamcodec::frame
