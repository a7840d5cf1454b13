// The interpolation filters: constants only, so that files for an instruction set may include it.
#pragma once

#include <cstdint>

namespace streamcodec {

// [filter][quarter of a pixel][tap]: pixels -3..4 around the whole position. Sums are 64.
// 0: HEVC's (ITU-T H.265, 8.5.3.3.3.1); 1 and 2: Gaussians with deviations of 0.8 and 1.7 pixels.
constexpr std::int8_t kLumaTaps[3][4][8] = {{{0, 0, 0, 64, 0, 0, 0, 0},
                                             {-1, 4, -10, 58, 17, -5, 1, 0},
                                             {-1, 4, -11, 40, 40, -11, 4, -1},
                                             {0, 1, -5, 17, 58, -10, 4, -1}},
                                            {{0, 1, 15, 32, 15, 1, 0, 0},
                                             {0, 1, 9, 30, 21, 3, 0, 0},
                                             {0, 0, 6, 26, 26, 6, 0, 0},
                                             {0, 0, 3, 21, 30, 9, 1, 0}},
                                            {{3, 8, 13, 16, 13, 8, 3, 0},
                                             {3, 6, 12, 15, 14, 9, 4, 1},
                                             {2, 5, 10, 15, 15, 10, 5, 2},
                                             {1, 4, 9, 14, 15, 12, 6, 3}}};

// [filter][eighth of a pixel][tap]: pixels -1..2 around the whole position.
// 0: HEVC's (8.5.3.3.3.2); 1 and 2: Gaussians with deviations of 0.45 and 0.85 pixels.
constexpr std::int8_t kChromaTaps[3][8][4] = {{{0, 64, 0, 0},
                                               {-2, 58, 10, -2},
                                               {-4, 54, 16, -2},
                                               {-6, 46, 28, -4},
                                               {-4, 36, 36, -4},
                                               {-4, 28, 46, -6},
                                               {-2, 16, 54, -4},
                                               {-2, 10, 58, -2}},
                                              {{5, 54, 5, 0},
                                               {3, 53, 8, 0},
                                               {1, 49, 14, 0},
                                               {1, 41, 22, 0},
                                               {0, 32, 32, 0},
                                               {0, 22, 41, 1},
                                               {0, 14, 49, 1},
                                               {0, 8, 53, 3}},
                                              {{16, 32, 16, 0},
                                               {13, 30, 18, 3},
                                               {10, 29, 21, 4},
                                               {8, 28, 23, 5},
                                               {6, 26, 26, 6},
                                               {5, 23, 28, 8},
                                               {4, 21, 29, 10},
                                               {3, 18, 30, 13}}};

}  // namespace streamcodec
