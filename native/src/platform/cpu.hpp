// Which instruction sets there are, which this CPU has, and which one to use.
#pragma once

#include <string>
#include <vector>

namespace streamcodec {

enum class InstructionSet { scalar, avx2, avx512, neon };

const char* name_of(InstructionSet set);

// Those that this build holds and this CPU runs, from the plainest to the widest. Always holds
// `scalar`.
std::vector<InstructionSet> available_instruction_sets();

// The set called `name`. Throws BadArgument if there is none of that name or the CPU does not run
// it.
InstructionSet instruction_set_named(const std::string& name);

// The set that STREAMCODEC_SIMD names, else the widest that is available. Looked up once, at the
// first call.
InstructionSet default_instruction_set();

}  // namespace streamcodec
