// Finds the motion field of a frame: squared error of luma + lambda * bits, in integers, the same
// for every number of threads and every instruction set.
#pragma once

#include <cstdint>
#include <string>

#include "motion/field.hpp"
#include "motion/syntax.hpp"
#include "platform/cpu.hpp"

namespace streamcodec {

class Team;

enum class SearchPreset { fast, medium };
SearchPreset search_preset_named(const std::string& name);  // Throws BadArgument

struct SearchOptions {
    SearchPreset preset = SearchPreset::medium;
    std::uint32_t lambda_16 = 0;  // what a bit weighs, in squared errors / 16
    InstructionSet set = InstructionSet::scalar;
    Team* team = nullptr;        // none: this thread alone
    bool key_is_future = false;  // then its motion is looked for from afar too
};

// `current`, `previous` and `key` (which may be null) are luma of one size, multiples of 16.
// context.has_key says whether `key` may be used. Throws BadArgument for sizes and contexts that do
// not fit.
MotionField search_motion(const Plane& current, const Plane& previous, const Plane* key,
                          const MotionContext& context, const MotionCosts& costs,
                          const SearchOptions& options);

}  // namespace streamcodec
