// The loops for AVX-512 VNNI. Compiled with -mavx512vnni (see kernels.hpp).
#define STREAMCODEC_ENGINE_VNNI
#include "engine/kernels/simd_avx512.hpp"
// What a vector is comes before the loops over vectors.
#include "engine/kernels/loops.hpp"
#include "engine/kernels/winograd_loops.hpp"

namespace streamcodec::engine {

extern const Kernels kAvx512Vnni = {"avx512vnni", kLanes, 2,        {Simd::block, 1},
                                    kWinograd,    conv,   winograd, peak};

}  // namespace streamcodec::engine
