// One latent on its way through a context model.
#pragma once

#include <cstdint>
#include <vector>

#include "context/context.hpp"
#include "platform/team.hpp"

namespace streamcodec {

// What a ContextModel consists of.
struct ContextParts {
    Schedule schedule;
    const std::vector<Tap>& taps;
    std::int32_t radius;
    const ContextNetwork& network;
    const std::vector<std::int32_t>& thresholds;
};

class ContextRun {
  public:
    // `job` has been checked.
    ContextRun(const ContextParts& parts, const ContextJob& job);

    void encode(View<const std::int32_t> values, const Tables& tables, Encoder* encoder);
    void decode(Decoder& decoder);

  private:
    template <typename Code>
    void code(const std::int32_t* values, const Blend* blends, Code code);
    void predict(std::size_t wave, std::size_t first, std::size_t end, const std::int32_t* values,
                 const Blend* blends, std::size_t member);
    void predict_batch(bool without_context, std::size_t first, std::size_t from, std::size_t to,
                       ContextScratch& scratch);
    void gather(Position position, std::int16_t* patch);
    void choose(std::size_t number, Position position, const std::int32_t* values,
                const Blend* blends);
    void settle(std::size_t first, std::size_t end);

    std::size_t place_of(Position position) const {
        return static_cast<std::size_t>(position.row) * static_cast<std::size_t>(job_.width) +
               static_cast<std::size_t>(position.column);
    }
    std::int16_t* context_at(std::int32_t row, std::int32_t column) {
        const auto padded_row = static_cast<std::size_t>(row + parts_.radius);
        const auto padded_column = static_cast<std::size_t>(column + parts_.radius);
        return context_.data() + (padded_row * padded_width_ + padded_column) * channels_;
    }

    const ContextParts parts_;
    const ContextJob job_;
    const Order order_;
    const ContextKernels& kernels_;
    const std::size_t channels_;
    const std::size_t padded_width_;
    Team team_;
    std::vector<std::int16_t>
        context_;  // what the convolution sees, with a border of `radius` positions
    std::vector<ContextScratch> scratch_;  // of each member of the team

    // Of the positions at work, in their order.
    std::vector<Position> positions_;
    std::vector<std::uint16_t> indexes_;
    std::vector<std::int32_t> means_, symbols_;
};

}  // namespace streamcodec
