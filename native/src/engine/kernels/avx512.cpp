// The loops for AVX-512. Compiled with -mavx512bw -mavx512vl (see kernels.hpp).
#include "engine/kernels/simd_avx512.hpp"
// What a vector is comes before the loops over vectors.
#include "engine/kernels/loops.hpp"
#include "engine/kernels/winograd_loops.hpp"

namespace streamcodec::engine {

extern const Kernels kAvx512 = {"avx512",  kLanes, 2,        {Simd::block, 1},
                                kWinograd, conv,   winograd, peak};

}  // namespace streamcodec::engine
