#include "context/run.hpp"

#include <algorithm>
#include <string>

#include "context/dispatch.hpp"
#include "context/layout.hpp"
#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kLeastPositions = 4;   // for a thread of its own
constexpr std::size_t kMostPositions = 512;  // at work: more need more memory, and save nothing

std::int32_t nearest_symbol(std::int32_t value, std::int32_t mean) {
    const std::int64_t distance = std::int64_t{value} - mean + (1 << (kFractionBits - 1));
    const std::int64_t symbol = distance >> kFractionBits;
    return static_cast<std::int32_t>(std::min<std::int64_t>(
        std::max<std::int64_t>(symbol, -kMaxContextSymbol), kMaxContextSymbol));
}

// The number of thresholds <= scale. Without branches, which would be hard to foresee.
std::uint16_t index_of(std::int32_t scale, const std::vector<std::int32_t>& thresholds) {
    const std::int32_t* first = thresholds.data();
    std::size_t count = thresholds.size();
    while (count > 1) {
        const std::size_t half = count / 2;
        first += first[half - 1] <= scale ? half : 0;
        count -= half;
    }
    const std::size_t last = count == 1 && *first <= scale ? 1 : 0;
    return static_cast<std::uint16_t>(static_cast<std::size_t>(first - thresholds.data()) + last);
}

// R(y_hat, 6) within the range of int16.
std::int16_t context_of(std::int32_t y_hat) {
    constexpr int kShift = kFractionBits - kContextFractionBits;
    const std::int32_t rounded =
        (y_hat + (1 << (kShift - 1)) - 1 + (y_hat >> kShift & 1)) >> kShift;
    return static_cast<std::int16_t>(std::min(std::max(rounded, -kMantissaLimit), kMantissaLimit));
}

}  // namespace

ContextRun::ContextRun(const ContextParts& parts, const ContextJob& job)
    : parts_(parts),
      job_(job),
      order_(parts.schedule, parts.radius, job.height, job.width),
      kernels_(context_kernels_for(job.set)),
      channels_(parts.network.channels()),
      padded_width_(static_cast<std::size_t>(job.width + 2 * parts.radius)),
      team_(
          std::max<std::size_t>(std::min(job.threads, order_.widest_wave() / kLeastPositions), 1)),
      context_(static_cast<std::size_t>(job.height + 2 * parts.radius) * padded_width_ * channels_),
      scratch_(team_.size(), parts.network.scratch()) {
    const std::size_t elements = std::min(order_.widest_wave(), kMostPositions) * channels_;
    indexes_.resize(elements);
    means_.resize(elements);
    symbols_.resize(elements);
}

void ContextRun::encode(View<const std::int32_t> values, const Tables& tables, Encoder* encoder) {
    code(values.data, tables.blends(), [&](std::size_t count) {
        if (encoder != nullptr) encoder->put({symbols_.data(), count}, {indexes_.data(), count});
    });
}

void ContextRun::decode(Decoder& decoder) {
    code(nullptr, nullptr, [&](std::size_t count) {
        decoder.get({indexes_.data(), count}, symbols_.data());
        const auto ends = std::minmax_element(symbols_.data(), symbols_.data() + count);
        if (*ends.first < -kMaxContextSymbol || *ends.second > kMaxContextSymbol) {
            throw CorruptStream("coded stream is damaged: a symbol of a latent is beyond +-" +
                                std::to_string(kMaxContextSymbol));
        }
    });
}

// `code`: called with the number of elements whose indexes (and symbols, if there are values) are
// there, in order.
template <typename Code>
void ContextRun::code(const std::int32_t* values, const Blend* blends, Code code) {
    for (std::size_t wave = 0; wave < order_.waves(); ++wave) {
        order_.list(wave, positions_);
        for (std::size_t first = 0; first < positions_.size(); first += kMostPositions) {
            const std::size_t end = std::min(first + kMostPositions, positions_.size());
            team_.run(
                [&](std::size_t member) { predict(wave, first, end, values, blends, member); });
            code((end - first) * channels_);
            settle(first, end);
        }
    }
}

// A member's share of the positions first .. end - 1 of a wave: indexes, means and, given values,
// symbols.
void ContextRun::predict(std::size_t wave, std::size_t first, std::size_t end,
                         const std::int32_t* values, const Blend* blends, std::size_t member) {
    const std::size_t size = team_.size();
    const std::size_t mine = first + (end - first) * member / size;
    const std::size_t mine_end = first + (end - first) * (member + 1) / size;
    const std::size_t batches =
        (mine_end - mine + ContextNetwork::kBatch - 1) / ContextNetwork::kBatch;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        const std::size_t from = mine + (mine_end - mine) * batch / batches;
        const std::size_t to = mine + (mine_end - mine) * (batch + 1) / batches;
        predict_batch(order_.is_without_context(wave), first, from, to, scratch_[member]);
        for (std::size_t i = from; values != nullptr && i < to; ++i)
            choose(i - first, positions_[i], values, blends);
    }
}

void ContextRun::predict_batch(bool without_context, std::size_t first, std::size_t from,
                               std::size_t to, ContextScratch& scratch) {
    const std::size_t features = parts_.network.features(), stride = parts_.network.patch_stride();
    const std::int32_t* rows[ContextNetwork::kBatch] = {};
    for (std::size_t i = from; i < to; ++i) {
        rows[i - from] = job_.features.data + place_of(positions_[i]) * features;
        if (!without_context) gather(positions_[i], scratch.mantissas.data() + (i - from) * stride);
    }
    const std::int32_t* out =
        parts_.network.run(kernels_, rows, to - from, without_context, scratch);
    for (std::size_t i = from; i < to; ++i, out += 2 * channels_) {
        std::uint16_t* const indexes = indexes_.data() + (i - first) * channels_;
        for (std::size_t c = 0; c < channels_; ++c)
            indexes[c] = index_of(out[c], parts_.thresholds);
        std::copy_n(out + channels_, channels_, means_.data() + (i - first) * channels_);
    }
}

// What the taps find around a position.
void ContextRun::gather(Position position, std::int16_t* patch) {
    for (const Tap tap : parts_.taps) {
        patch = std::copy_n(context_at(position.row + tap.rows, position.column + tap.columns),
                            channels_, patch);
    }
    if (parts_.taps.size() * channels_ % 2 != 0) *patch = 0;  // half of the last pair
}

// The symbols of one position, `number` among those at work.
void ContextRun::choose(std::size_t number, Position position, const std::int32_t* values,
                        const Blend* blends) {
    values += place_of(position) * channels_;
    for (std::size_t c = 0; c < channels_; ++c) {
        const std::size_t element = number * channels_ + c;
        const Blend blend = blends[indexes_[element]];
        symbols_[element] =
            (nearest_symbol(values[c], means_[element]) & blend.mask) | blend.certain_value;
    }
}

// Turns coded symbols into y_hat, for the caller and as context.
void ContextRun::settle(std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) {
        const std::size_t element = (i - first) * channels_,
                          place = place_of(positions_[i]) * channels_;
        std::int16_t* const context = context_at(positions_[i].row, positions_[i].column);
        for (std::size_t c = 0; c < channels_; ++c) {
            const std::int32_t y_hat =
                symbols_[element + c] * (1 << kFractionBits) + means_[element + c];
            job_.y_hat[place + c] = y_hat;
            context[c] = context_of(y_hat);
        }
        if (job_.symbols != nullptr)
            std::copy_n(symbols_.data() + element, channels_, job_.symbols + place);
        if (job_.indexes != nullptr)
            std::copy_n(indexes_.data() + element, channels_, job_.indexes + place);
    }
}

}  // namespace streamcodec
