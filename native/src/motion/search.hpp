// Finds the motion field of a frame: squared error of luma + lambda * bits, in integers, the same
// for every number of threads and every instruction set.
#pragma once

#include <string>

#include "platform/cpu.hpp"
#include "motion/field.hpp"
#include "motion/syntax.hpp"

namespace streamcodec {

class Team;

enum class SearchPreset { fast, medium, slow };
SearchPreset search_preset_named(const std::string& name);  // Throws BadArgument

// lambda in squared errors per bit, times 16: round(16 * 0.6 * 2^((q - 12) / 3)), q = 44 - quality
// * 32 / 63. quality in 0..63.
std::uint32_t motion_lambda_16(int quality);

struct SearchOptions {
    SearchPreset preset = SearchPreset::medium;
    std::uint32_t lambda_16 = 0;  // 0: motion_lambda_16(quality of the context)
    InstructionSet set = InstructionSet::scalar;
    Team* team = nullptr;  // none: this thread alone
};

// `current`, `previous` and `key` (which may be null) are luma of one size, multiples of 16.
// context.has_key says whether `key` may be used. Throws BadArgument for sizes and contexts that do
// not fit.
MotionField search_motion(const Plane& current, const Plane& previous, const Plane* key,
                          const MotionContext& context, const MotionCosts& costs,
                          const SearchOptions& options);

}  // namespace streamcodec
