#include "engine/kernels/select.hpp"

#include <cstdlib>

#include "platform/error.hpp"

#if defined(STREAMCODEC_X86) && !defined(STREAMCODEC_SIMDE)
#include <cpuid.h>
#endif

namespace streamcodec::engine {

namespace {

#if defined(STREAMCODEC_X86) && !defined(STREAMCODEC_SIMDE)
// GCC 12 cannot be asked for it by name.
bool has_avx_vnni() {
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1) != 0;
}
#endif

bool holds(const std::vector<InstructionSet>& sets, InstructionSet wanted) {
    for (const InstructionSet set : sets) {
        if (set == wanted) return true;
    }
    return false;
}

}  // namespace

std::vector<const Kernels*> available_kernels() {
    const std::vector<InstructionSet> sets = available_instruction_sets();
    std::vector<const Kernels*> all{&kScalar};
#ifdef STREAMCODEC_X86
    if (holds(sets, InstructionSet::avx2)) all.push_back(&kAvx2);
#ifndef STREAMCODEC_SIMDE
    if (holds(sets, InstructionSet::avx2) && has_avx_vnni()) all.push_back(&kAvxVnni);
#endif
    if (holds(sets, InstructionSet::avx512)) all.push_back(&kAvx512);
#ifndef STREAMCODEC_SIMDE
    if (holds(sets, InstructionSet::avx512) && __builtin_cpu_supports("avx512vnni"))
        all.push_back(&kAvx512Vnni);
#endif
#endif
#ifdef STREAMCODEC_NEON
    if (holds(sets, InstructionSet::neon)) all.push_back(&kNeon);
#endif
    return all;
}

namespace {

// STREAMCODEC_VNNI=0 leaves them out, as on a CPU that has none.
bool is_vnni_wanted() {
    const char* wanted = std::getenv("STREAMCODEC_VNNI");
    return wanted == nullptr || std::string(wanted) != "0";
}

}  // namespace

const Kernels& kernels_for(InstructionSet set) {
    static const bool takes_vnni = is_vnni_wanted();
    const std::string name = name_of(set),
                      with_vnni = set == InstructionSet::avx2 ? "avxvnni" : name + "vnni";
    const Kernels* best = &kScalar;
    for (const Kernels* kernels : available_kernels()) {
        if (kernels->name == name || (takes_vnni && kernels->name == with_vnni)) best = kernels;
    }
    return *best;
}

const Kernels& kernels_named(const std::string& name) {
    std::string names;
    for (const Kernels* kernels : available_kernels()) {
        if (kernels->name == name) return *kernels;
        names += (names.empty() ? "" : ", ") + std::string(kernels->name);
    }
    throw BadArgument("no loops are called '" + name + "'; accepted on this CPU: " + names);
}

}  // namespace streamcodec::engine
