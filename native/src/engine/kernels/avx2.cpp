// The loops for AVX2. Compiled with -mavx2 (see kernels.hpp).
#include "engine/kernels/simd_avx2.hpp"
// What a vector is comes before the loops over vectors.
#include "engine/kernels/loops.hpp"
#include "engine/kernels/winograd_loops.hpp"

namespace streamcodec::engine {

extern const Kernels kAvx2 = {"avx2", kLanes, 2, {Simd::block, 1}, kWinograd, conv, winograd, peak};

}  // namespace streamcodec::engine
