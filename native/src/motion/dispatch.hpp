// Which loops of motion.hpp go with an instruction set.
#pragma once

#include "cpu.hpp"
#include "motion/kernels.hpp"

namespace streamcodec {

inline const MotionKernels& motion_kernels_for(InstructionSet set) {
    static_cast<void>(set);
    return kMotionScalar;
}

}  // namespace streamcodec
