#include "context/network.hpp"

#include <algorithm>
#include <cstdlib>

#include "context/layout.hpp"
#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kMaxInputs = std::size_t{1} << 18;  // of a block: at most 1024 chunks
constexpr std::size_t kMaxOutputs = std::size_t{1} << 16;
constexpr std::size_t kMaxLayers = 16;

std::string number(std::size_t n) { return std::to_string(n); }

void check_count(const std::string& name, std::size_t count, std::size_t most) {
    if (count < 1 || count > most)
        throw BadArgument(name + " is " + number(count) + "; accepted: 1.." + number(most));
}

// Every chunk's products must fit into 32 bits, whatever the inputs are.
void check_sums(View<const std::int16_t> weight, std::size_t outputs, const std::string& name) {
    std::vector<std::int64_t> sums(outputs);
    for (std::size_t input = 0; input < weight.size / outputs; ++input) {
        if (input % kChunkInputs == 0) std::fill(sums.begin(), sums.end(), 0);
        for (std::size_t i = 0; i < outputs; ++i) {
            const int magnitude = std::abs(int{weight[input * outputs + i]});
            if (magnitude > kMantissaLimit)
                throw BadArgument(name + " has a weight of -32768; accepted: -32767..32767");
            sums[i] += magnitude;
            if (sums[i] > kMaxChunkWeight) {
                throw BadArgument("the weights of " + name + " could overflow: those of output " +
                                  number(i) + " pass a sum of " + std::to_string(kMaxChunkWeight) +
                                  " in magnitude within " + number(kChunkInputs) +
                                  " inputs; accepted: up to that");
            }
        }
    }
}

}  // namespace

PackedWeights::PackedWeights(View<const std::int16_t> weight, View<const std::int32_t> shift,
                             const std::string& name) {
    const std::size_t outputs = shift.size;
    inputs_ = weight.size / outputs;
    check_count("the number of inputs of " + name, inputs_, kMaxInputs);
    check_sums(weight, outputs, name);
    pairs_ = (inputs_ + 1) / 2;
    tiles_ = (outputs + kTileOutputs - 1) / kTileOutputs;
    weights_.resize(tiles_ * pairs_ * 2 * kTileOutputs);
    shifts_.resize(tiles_ * kTileOutputs);
    for (std::size_t i = 0; i < outputs; ++i) {
        if (shift[i] < 0 || shift[i] > kMaxShift) {
            throw BadArgument("shift " + number(i) + " of " + name + " is " +
                              std::to_string(shift[i]) + "; accepted: 0.." +
                              std::to_string(kMaxShift));
        }
        shifts_[i] = shift[i];
        std::int16_t* const tile = weights_.data() + i / kTileOutputs * pairs_ * 2 * kTileOutputs;
        for (std::size_t input = 0; input < inputs_; ++input) {
            const std::size_t place =
                input / 2 * 2 * kTileOutputs + i % kTileOutputs * 2 + input % 2;
            tile[place] = weight[input * outputs + i];
        }
    }
}

void PackedWeights::add(const ContextKernels& kernels, const std::int16_t* mantissas,
                        const int* fractions, std::size_t positions, std::int64_t* sums,
                        std::int64_t* totals) const {
    kernels.multiply({weights_.data(), tiles_, pairs_, mantissas, positions, sums});
    for (std::size_t position = 0; position < positions; ++position) {
        const std::size_t row = position * shifts_.size();
        kernels.add_rounded(sums + row, shifts_.data(), fractions[position], shifts_.size(),
                            totals + row);
    }
}

ContextLayer::ContextLayer(const LayerArrays& arrays, const std::vector<std::size_t>& inputs,
                           const std::string& name)
    : outputs_(arrays.bias.size), slope_(arrays.slope) {
    check_count("the number of outputs of " + name, outputs_, kMaxOutputs);
    std::size_t all = 0;
    for (const std::size_t count : inputs) all += count;
    if (arrays.weight.size != all * outputs_ || arrays.shift.size != inputs.size() * outputs_) {
        throw BadArgument(name + " has " + number(arrays.weight.size) + " weights and " +
                          number(arrays.shift.size) + " shifts; accepted: weight (" + number(all) +
                          ", " + number(outputs_) + ") and shift (" + number(inputs.size()) + ", " +
                          number(outputs_) + ")");
    }
    if (slope_ < 0 || slope_ > 1 << kSlopeBits) {
        throw BadArgument("the slope of " + name + " is " + std::to_string(slope_) +
                          "; accepted: 0.." + std::to_string(1 << kSlopeBits));
    }
    for (const std::int32_t bias : arrays.bias) {
        if (bias < -kContextLimit || bias > kContextLimit) {
            throw BadArgument("a bias of " + name + " is " + std::to_string(bias) +
                              "; accepted: within +-" + std::to_string(kContextLimit));
        }
    }
    bias_.assign(arrays.bias.begin(), arrays.bias.end());
    bias_.resize(padded_outputs());
    std::size_t first = 0;
    for (std::size_t block = 0; block < inputs.size(); first += inputs[block], ++block) {
        blocks_.emplace_back(arrays.weight.from(first * outputs_).first(inputs[block] * outputs_),
                             arrays.shift.from(block * outputs_).first(outputs_), name);
    }
}

std::size_t ContextLayer::widest_input() const {
    std::size_t widest = 0;
    for (const PackedWeights& block : blocks_) widest = std::max(widest, block.padded_inputs());
    return widest;
}

void ContextLayer::start(std::size_t positions, std::int64_t* totals) const {
    for (std::size_t i = 0; i < positions; ++i)
        totals = std::copy(bias_.begin(), bias_.end(), totals);
}

void ContextLayer::finish(const ContextKernels& kernels, const std::int64_t* totals,
                          std::size_t positions, std::int32_t* out) const {
    for (std::size_t i = 0; i < positions; ++i) {
        kernels.activate(totals + i * bias_.size(), slope_, outputs_, out + i * outputs_);
    }
}

ContextNetwork::ContextNetwork(const std::vector<LayerArrays>& layers, std::size_t taps) {
    if (layers.size() < 2 || layers.size() > kMaxLayers) {
        throw BadArgument("the context network has " + number(layers.size()) +
                          " layers; accepted: 2.." + number(kMaxLayers) +
                          ", the first one the convolution");
    }
    const std::size_t outputs = layers.back().bias.size;
    if (outputs < 2 || outputs % 2 != 0) {
        throw BadArgument("the last layer has " + number(outputs) +
                          " outputs; accepted: two for each channel, scales, then means");
    }
    layers_.emplace_back(layers[0], std::vector<std::size_t>{taps * (outputs / 2)},
                         "the convolution");
    for (std::size_t i = 1; i < layers.size(); ++i) {
        const std::string name = "layer " + number(i);
        std::vector<std::size_t> inputs{layers_.back().outputs()};
        if (i == 1) {
            check_count("the number of outputs of " + name, layers[1].bias.size, kMaxOutputs);
            const std::size_t all = layers[1].weight.size / layers[1].bias.size;
            if (all <= inputs[0]) {
                throw BadArgument(name + " has " + number(all) +
                                  " inputs; accepted: features, 1 or more, and then the " +
                                  number(inputs[0]) + " outputs of the convolution");
            }
            inputs.insert(inputs.begin(), all - inputs[0]);
        }
        layers_.emplace_back(layers[i], inputs, name);
    }
}

ContextScratch ContextNetwork::scratch() const {
    std::size_t input = 0, padded = 0, output = 0;
    for (const ContextLayer& layer : layers_) {
        input = std::max(input, layer.widest_input());
        padded = std::max(padded, layer.padded_outputs());
        output = std::max(output, layer.outputs());
    }
    ContextScratch scratch;
    scratch.mantissas.resize(kBatch * input);
    scratch.sums.resize(kBatch * padded);
    scratch.totals.resize(kBatch * padded);
    scratch.context.resize(kBatch * layers_[0].outputs());
    scratch.values.resize(kBatch * output);
    scratch.fractions.resize(kBatch);
    return scratch;
}

const std::int32_t* ContextNetwork::run(const ContextKernels& kernels,
                                        const std::int32_t* const* features, std::size_t positions,
                                        bool without_context, ContextScratch& scratch) const {
    const ContextLayer& convolution = layers_[0];
    if (!without_context) {
        std::fill_n(scratch.fractions.begin(), positions, kContextFractionBits);
        convolution.start(positions, scratch.totals.data());
        convolution.blocks()[0].add(kernels, scratch.mantissas.data(), scratch.fractions.data(),
                                    positions, scratch.sums.data(), scratch.totals.data());
        convolution.finish(kernels, scratch.totals.data(), positions, scratch.context.data());
    }
    const std::int32_t* rows[kBatch] = {};
    const std::int32_t* values = scratch.context.data();
    for (std::size_t i = 1; i < layers_.size(); ++i) {
        const ContextLayer& layer = layers_[i];
        layer.start(positions, scratch.totals.data());
        if (i == 1) add_block(kernels, layer.blocks()[0], features, positions, scratch);
        if (i > 1 || !without_context) {
            const PackedWeights& block = layer.blocks().back();
            for (std::size_t p = 0; p < positions; ++p) rows[p] = values + p * block.inputs();
            add_block(kernels, block, rows, positions, scratch);
        }
        layer.finish(kernels, scratch.totals.data(), positions, scratch.values.data());
        values = scratch.values.data();
    }
    return values;
}

// Adds a block's share of the totals; rows[position] leads to its inputs, int32 in Q12.
void ContextNetwork::add_block(const ContextKernels& kernels, const PackedWeights& block,
                               const std::int32_t* const* rows, std::size_t positions,
                               ContextScratch& scratch) const {
    for (std::size_t p = 0; p < positions; ++p) {
        std::int16_t* const mantissas = scratch.mantissas.data() + p * block.padded_inputs();
        scratch.fractions[p] =
            kFractionBits - kernels.normalise(rows[p], block.inputs(), mantissas);
        std::fill(mantissas + block.inputs(), mantissas + block.padded_inputs(), std::int16_t{0});
    }
    block.add(kernels, scratch.mantissas.data(), scratch.fractions.data(), positions,
              scratch.sums.data(), scratch.totals.data());
}

}  // namespace streamcodec
