// Which loops of motion.hpp go with an instruction set.
#pragma once

#include "motion/kernels.hpp"
#include "platform/cpu.hpp"

namespace streamcodec {

inline const MotionKernels& motion_kernels_for(InstructionSet set) {
#ifdef STREAMCODEC_X86
    // There are no loops of 512 bits: AVX2's serve there too.
    if (set != InstructionSet::scalar) return kMotionAvx2;
#endif
    static_cast<void>(set);
    return kMotionScalar;
}

}  // namespace streamcodec
