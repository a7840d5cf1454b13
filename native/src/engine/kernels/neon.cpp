// The loops for NEON, which every AArch64 processor has.
#include "engine/kernels/simd_neon.hpp"
// What a vector is comes before the loops over vectors.
#include "engine/kernels/loops.hpp"
#include "engine/kernels/winograd_loops.hpp"

namespace streamcodec::engine {

extern const Kernels kNeon = {"neon",   kLanes, 2,   {Simd::block, 1}, kWinograd, conv,
                              winograd, peak,   true};

}  // namespace streamcodec::engine
