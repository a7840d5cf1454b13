// The loops for NEON, which every AArch64 processor has.
#include "engine/simd_neon.hpp"
// What a vector is comes before the loops over vectors.
#include "engine/loops.hpp"
#include "engine/winograd_loops.hpp"

namespace streamcodec::engine {

extern const Kernels kNeon = {"neon",   kLanes, 2,   {Simd::block, 1}, kWinograd, conv,
                              winograd, peak,   true};

}  // namespace streamcodec::engine
