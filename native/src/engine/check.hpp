// What holds of every program that runs: checked once, when a Network is made.
#pragma once

#include <vector>

#include "engine/network.hpp"

namespace streamcodec::engine {

// Throw BadArgument for a program that class Network does not accept.
void check_slots(const std::vector<Slot>& slots);
void check_stages(const std::vector<Slot>& slots, const std::vector<Stage>& stages);

// The largest that |sum + bias| can be for an output of the layer.
std::int64_t largest_sum(const Conv& conv, std::size_t output, std::int32_t max_abs);

// "stage 'a', layer 3" for messages.
std::string place_of(const Stage& stage, std::size_t layer);

}  // namespace streamcodec::engine
