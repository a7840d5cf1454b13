// In which order the positions of a latent are coded, and which of them do not depend on each
// other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/view.hpp"

namespace streamcodec {

enum class Schedule { raster, checkerboard };

// The schedule called `name`. Throws BadArgument.
Schedule schedule_named(const std::string& name);

struct Position {
    std::int32_t row, column;
};

// Where the context is taken from, relative to a position.
struct Tap {
    std::int32_t rows, columns;
};

// The taps of `pairs` (T, 2): row and column offsets. Throws BadArgument unless they lead to
// positions that are coded before, in every wave of the schedule but a first one without context.
std::vector<Tap> checked_taps(View<const std::int32_t> pairs, Schedule schedule);

// How far the taps reach in any direction.
std::int32_t radius_of(const std::vector<Tap>& taps);

// The waves of a latent of height x width positions; see context.hpp.
class Order {
  public:
    Order(Schedule schedule, std::int32_t radius, std::int32_t height, std::int32_t width)
        : schedule_(schedule), delay_(radius + 1), height_(height), width_(width) {}

    std::size_t waves() const;
    std::size_t widest_wave() const;
    bool is_without_context(std::size_t wave) const {
        return schedule_ == Schedule::checkerboard && wave == 0;
    }

    // Replaces `positions` by those of a wave, in their order.
    void list(std::size_t wave, std::vector<Position>& positions) const;

  private:
    Schedule schedule_;
    std::int32_t delay_;
    std::int32_t height_, width_;
};

}  // namespace streamcodec
