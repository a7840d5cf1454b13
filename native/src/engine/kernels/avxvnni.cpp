// The loops for AVX-VNNI. Compiled with -mavx2 -mavxvnni (see kernels.hpp).
#define STREAMCODEC_ENGINE_VNNI
#include "engine/kernels/simd_avx2.hpp"
// What a vector is comes before the loops over vectors.
#include "engine/kernels/loops.hpp"
#include "engine/kernels/winograd_loops.hpp"

namespace streamcodec::engine {

extern const Kernels kAvxVnni = {"avxvnni", kLanes, 2,        {Simd::block, 1},
                                 kWinograd, conv,   winograd, peak};

}  // namespace streamcodec::engine
