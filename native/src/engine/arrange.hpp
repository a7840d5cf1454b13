// Where the slots of a network lie in memory that they share: a slot is kept only from the first
// time in a frame that somebody touches it to the last.
//
// In one phase, that of a stage, a slot may also follow another row by row, in the same place: a
// residual block's output where its input was. Plans (plan.hpp) make a row of a layer only when all
// rows that it reads are made. So row y of B may overwrite row y of A if making it takes, directly
// or by way of other layers, every row that is made of row y of A.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/network.hpp"

namespace streamcodec::engine {

// A stage runs, or the caller reads and writes slots and arrays of its own.
struct Phase {
    std::optional<std::size_t> stage;
    std::vector<std::size_t> slots, arrays;
};

// All that is done with a network for one frame, in order. A stage runs once at most.
using Schedule = std::vector<Phase>;

// Phases first .. last.
struct Lifetime {
    std::size_t first = 0, last = 0;
};

// Of each slot; none: nobody touches it. Throws BadArgument if a stage reads a slot that neither
// the caller nor a layer before it has written.
std::vector<std::optional<Lifetime>> lifetimes(const Network& network, const Schedule& schedule);

// For each slot the one in whose place it lies: itself, or one that it follows, and so on.
std::vector<std::size_t> homes(const Network& network, const Schedule& schedule,
                               const std::vector<Size>& sizes);

struct Region {
    std::size_t size_bytes = 0;
    Lifetime lifetime;
    std::size_t offset = 0;
};

// Gives each region an offset, a multiple of 64, so that no two of the same phase overlap. Returns
// where the last one ends.
std::size_t place(std::vector<Region>& regions);

}  // namespace streamcodec::engine
