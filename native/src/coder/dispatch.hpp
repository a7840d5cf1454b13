// Which of the coder's loops go with an instruction set.
#pragma once

#include "coder/kernels.hpp"
#include "platform/cpu.hpp"

namespace streamcodec {

struct Kernels {
    EncodeGroups encode = nullptr;  // none: the coder goes one symbol at a time
    DecodeGroups decode = nullptr;
};

inline Kernels kernels_for(InstructionSet set) {
#ifdef STREAMCODEC_X86
    if (set == InstructionSet::avx2) return {encode_groups_avx2, decode_groups_avx2};
    if (set == InstructionSet::avx512) return {encode_groups_avx512, decode_groups_avx512};
#endif
    static_cast<void>(set);
    return {};
}

}  // namespace streamcodec
