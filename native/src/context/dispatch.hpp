// Which of the context model's loops go with an instruction set.
#pragma once

#include "context/kernels.hpp"
#include "platform/cpu.hpp"

namespace streamcodec {

inline const ContextKernels& context_kernels_for(InstructionSet set) {
#ifdef STREAMCODEC_X86
    if (set == InstructionSet::avx2) return kContextAvx2;
    if (set == InstructionSet::avx512) return kContextAvx512;
#endif
    static_cast<void>(set);
    return kContextScalar;
}

}  // namespace streamcodec
