// The loops for AVX-512: those of AVX2, compiled with the wider set's flags (see kernels.hpp).
#include <immintrin.h>

#include "frame/kernels/loops.hpp"
#include "frame/kernels/rows_avx2.hpp"
#include "frame/kernels/transform_avx2.hpp"

namespace streamcodec::frame {

extern const Kernels kAvx512 = {
    pack4cells,     pack4cells_difference, unpack4cells, forward_pairs, inverse_pairs, log_scaled,
    move_rows_avx2, add_costs_avx2,        are_symbols,  scale_inter,   scale_intra,   scale_down};

}  // namespace streamcodec::frame
