// Which loops go with an instruction set, on this CPU.
#pragma once

#include <string>
#include <vector>

#include "engine/kernels/kernels.hpp"
#include "platform/cpu.hpp"

namespace streamcodec::engine {

// All that this build holds and this CPU runs, from the plainest to the widest.
std::vector<const Kernels*> available_kernels();

// The best of the instruction set: with VNNI where the CPU has it, unless the environment says
// STREAMCODEC_VNNI=0.
const Kernels& kernels_for(InstructionSet set);

// Those of this name (scalar, avx2, avxvnni, avx512, avx512vnni). Throws BadArgument if the CPU
// does not run them.
const Kernels& kernels_named(const std::string& name);

}  // namespace streamcodec::engine
