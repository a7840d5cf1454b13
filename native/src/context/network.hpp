// The layers of a context model: weights checked once and packed, and the network run at some
// positions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "context/kernels.hpp"
#include "platform/cpu.hpp"
#include "platform/view.hpp"

namespace streamcodec {

// Of a layer as it comes: weight (inputs, outputs), shift (blocks, outputs), bias (outputs). See
// context.hpp.
struct LayerArrays {
    View<const std::int16_t> weight;
    View<const std::int32_t> shift;
    View<const std::int32_t> bias;
    std::int32_t slope = 0;
};

// The weights of one block of inputs.
class PackedWeights {
  public:
    // Throws BadArgument, with `name` in the message, for a weight, a shift or a sum of weights
    // that is not accepted.
    PackedWeights(View<const std::int16_t> weight, View<const std::int32_t> shift,
                  const std::string& name);

    std::size_t inputs() const { return inputs_; }
    std::size_t padded_inputs() const { return 2 * pairs_; }

    // mantissas (positions, padded_inputs()) with fractions[position] bits after the point: adds to
    // totals (positions, padded outputs). `sums`: room for as many numbers.
    void add(const ContextKernels& kernels, const std::int16_t* mantissas, const int* fractions,
             std::size_t positions, std::int64_t* sums, std::int64_t* totals) const;

  private:
    std::size_t inputs_, pairs_, tiles_;
    std::vector<std::int16_t> weights_;  // as a MultiplyJob wants them
    std::vector<std::int64_t> shifts_;
};

class ContextLayer {
  public:
    // `inputs`: of each block. Throws BadArgument.
    ContextLayer(const LayerArrays& arrays, const std::vector<std::size_t>& inputs,
                 const std::string& name);

    const std::vector<PackedWeights>& blocks() const { return blocks_; }
    std::size_t outputs() const { return outputs_; }
    std::size_t padded_outputs() const {
        return (outputs_ + kTileOutputs - 1) / kTileOutputs * kTileOutputs;
    }
    std::size_t widest_input() const;

    void start(std::size_t positions, std::int64_t* totals) const;  // with the bias
    void finish(const ContextKernels& kernels, const std::int64_t* totals, std::size_t positions,
                std::int32_t* out) const;  // (positions, outputs)

  private:
    std::size_t outputs_;
    std::int32_t slope_;
    std::vector<PackedWeights> blocks_;
    std::vector<std::int64_t> bias_;
};

// Where a thread works: room for kBatch positions.
struct ContextScratch {
    std::vector<std::int16_t> mantissas;
    std::vector<std::int64_t> sums, totals;
    std::vector<std::int32_t> context, values;
    std::vector<int> fractions;
};

class ContextNetwork {
  public:
    static constexpr std::size_t kBatch = 24;  // positions at a time: few enough for the caches

    // layers[0]: the convolution, `taps` taps; then the 1x1 layers. Throws BadArgument.
    ContextNetwork(const std::vector<LayerArrays>& layers, std::size_t taps);

    std::size_t channels() const { return layers_.back().outputs() / 2; }
    std::size_t features() const { return layers_[1].blocks()[0].inputs(); }
    ContextScratch scratch() const;

    // Room in `scratch` for what the taps find: (kBatch, this), of which the first taps *
    // channels() of a row count.
    std::size_t patch_stride() const { return layers_[0].blocks()[0].padded_inputs(); }

    // positions <= kBatch; features[position] leads to the features there. The taps' values are in
    // scratch.mantissas, unless `without_context`. Returns (positions, 2 channels) in Q12: scales,
    // then means.
    const std::int32_t* run(const ContextKernels& kernels, const std::int32_t* const* features,
                            std::size_t positions, bool without_context,
                            ContextScratch& scratch) const;

  private:
    void add_block(const ContextKernels& kernels, const PackedWeights& block,
                   const std::int32_t* const* rows, std::size_t positions,
                   ContextScratch& scratch) const;

    std::vector<ContextLayer> layers_;
};

}  // namespace streamcodec
