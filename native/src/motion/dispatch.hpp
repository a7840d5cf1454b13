// Which loops of motion.hpp go with an instruction set.
#pragma once

#include "cpu.hpp"
#include "motion/kernels.hpp"

namespace streamcodec {

inline const MotionKernels& motion_kernels_for(InstructionSet set) {
#ifdef STREAMCODEC_X86
    // 512 bits at once gained nothing where it was measured (Zen 4).
    if (set != InstructionSet::scalar) return kMotionAvx2;
#endif
    static_cast<void>(set);
    return kMotionScalar;
}

}  // namespace streamcodec
