#include "platform/cpu.hpp"

#include <cstdlib>

#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr InstructionSet kAll[] = {InstructionSet::scalar, InstructionSet::avx2,
                                   InstructionSet::avx512, InstructionSet::neon};

bool is_available(InstructionSet set) {
    switch (set) {
        case InstructionSet::scalar:
            return true;
#ifdef STREAMCODEC_X86
        case InstructionSet::avx2:
            return __builtin_cpu_supports("avx2") != 0;
        case InstructionSet::avx512:
#ifdef STREAMCODEC_SIMDE
            return true;
#else
            return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#endif
#endif
#ifdef STREAMCODEC_NEON
        case InstructionSet::neon:
            return true;
#endif
        default:
            return false;
    }
}

std::string names_of(const std::vector<InstructionSet>& sets) {
    std::string names;
    for (const InstructionSet set : sets)
        names += (names.empty() ? "" : ", ") + std::string(name_of(set));
    return names;
}

InstructionSet from_environment() {
    const char* wanted = std::getenv("STREAMCODEC_SIMD");
    if (wanted == nullptr || *wanted == '\0') return available_instruction_sets().back();
    try {
        return instruction_set_named(wanted);
    } catch (const BadArgument& error) {
        throw BadArgument(std::string("environment variable STREAMCODEC_SIMD: ") + error.what());
    }
}

}  // namespace

const char* name_of(InstructionSet set) {
    switch (set) {
        case InstructionSet::avx2:
            return "avx2";
        case InstructionSet::avx512:
            return "avx512";
        case InstructionSet::neon:
            return "neon";
        default:
            return "scalar";
    }
}

std::vector<InstructionSet> available_instruction_sets() {
    std::vector<InstructionSet> sets;
    for (const InstructionSet set : kAll) {
        if (is_available(set)) sets.push_back(set);
    }
    return sets;
}

InstructionSet instruction_set_named(const std::string& name) {
    for (const InstructionSet set : kAll) {
        if (name != name_of(set)) continue;
        if (is_available(set)) return set;
        throw BadArgument("instruction set '" + name +
                          "' is not available here; accepted on this CPU: " +
                          names_of(available_instruction_sets()));
    }
    throw BadArgument("no instruction set is called '" + name +
                      "'; accepted on this CPU: " + names_of(available_instruction_sets()));
}

InstructionSet default_instruction_set() {
    static const InstructionSet chosen = from_environment();
    return chosen;
}

}  // namespace streamcodec
