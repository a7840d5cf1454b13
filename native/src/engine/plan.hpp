// In which order the rows of a stage's layers are made, so that they are still in the cache when
// the next layer reads them, and so that threads need not wait for each other after every layer.
//
// The height of the picture is divided into strips, which do not depend on each other: in a strip,
// a layer makes those rows for which its inputs' rows of the same strip suffice, so each layer ends
// a little earlier than the one before. Gaps between two strips are left, and are filled when both
// are done. A strip is gone through in steps of a few rows, each through all layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/network.hpp"

namespace streamcodec::engine {

// Rows first .. end - 1 of a layer's output.
struct Step {
    std::size_t layer = 0;
    std::int32_t first = 0, end = 0;
};

struct Plan {
    std::vector<std::vector<Step>> strips;
    std::vector<std::vector<Step>> gaps;  // gaps[i] between strips[i] and strips[i + 1]
};

// sizes: of the slots; wanted: strips, of which there may be fewer.
Plan plan_of(const Stage& stage, const std::vector<Size>& sizes, std::size_t wanted);

}  // namespace streamcodec::engine
