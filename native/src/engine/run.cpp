#include "engine/run.hpp"

#include <algorithm>
#include <thread>

#include "engine/kernels/select.hpp"
#include "platform/error.hpp"

namespace streamcodec::engine {

namespace {

constexpr std::size_t kStripsPerMember = 3;  // so that who is held up does less

std::size_t rounded_up(std::int32_t channels) {
    return (static_cast<std::size_t>(channels) + 15) / 16 * 16;
}

void do_rows(const DepthToSpace& layer, const Workspace& space, const Step& step) {
    const Map &input = space.map(layer.input.slot), &output = space.map(layer.output.slot);
    for (std::int32_t y = step.first; y < step.end; ++y) {
        for (std::int32_t x = 0; x < output.width; ++x) {
            const std::int32_t part = 2 * (y % 2) + x % 2;
            const std::int16_t* const from =
                input.at(y / 2, x / 2) + layer.input.first + part * layer.channels;
            std::copy_n(from, layer.channels, output.at(y, x) + layer.output.first);
        }
    }
}

void do_rows(const SpaceToDepth& layer, const Workspace& space, const Step& step) {
    const Map &input = space.map(layer.input.slot), &output = space.map(layer.output.slot);
    for (std::int32_t y = step.first; y < step.end; ++y) {
        for (std::int32_t x = 0; x < output.width; ++x) {
            for (std::int32_t part = 0; part < 4; ++part) {
                const std::int16_t* const from =
                    input.at(2 * y + part / 2, 2 * x + part % 2) + layer.input.first;
                std::copy_n(from, layer.channels,
                            output.at(y, x) + layer.output.first + part * layer.channels);
            }
        }
    }
}

}  // namespace

StageRun::StageRun(const Stage& stage, const std::vector<PackedConv>& numbers,
                   const Kernels& kernels, const Workspace& space, std::size_t members)
    : stage_(stage),
      kernels_(kernels),
      space_(space),
      plan_(plan_of(stage, space.sizes(), members == 1 ? 1 : kStripsPerMember * members)),
      is_done_(new std::atomic<bool>[plan_.strips.size()]) {
    std::size_t tiles = 0;
    for (std::size_t i = 0; i < stage.layers.size(); ++i) {
        const auto* conv = std::get_if<Conv>(&stage.layers[i]);
        convs_.push_back(conv == nullptr ? PreparedConv{} : prepare(*conv, numbers[i]));
        if (conv != nullptr && numbers[i].is_winograd)
            tiles = std::max(tiles, 16 * kTiles * rounded_up(conv->inputs));
    }
    for (std::size_t i = 0; i < members; ++i) {
        scratch_.push_back({Buffer<std::int16_t>(tiles),
                            Buffer<std::int32_t>(tiles == 0 ? 0 : 16 * kTiles * kMostLanes)});
    }
}

StageRun::PreparedConv StageRun::prepare(const Conv& conv, const PackedConv& numbers) const {
    const Map &input = space_.map(conv.input.slot), &output = space_.map(conv.output.slot);
    PreparedConv prepared;
    prepared.numbers = &numbers;
    for (const Tap& tap : conv.taps)
        prepared.taps.push_back(tap.dy * input.row + tap.dx * input.pixel);
    prepared.bias = Buffer<std::int32_t>(numbers.slope.size());
    ConvJob& job = prepared.job;
    job.input_row = conv.stride * input.row;
    job.input_pixel = conv.stride * input.pixel;
    job.taps = prepared.taps.data();
    job.tap_count = prepared.taps.size();
    job.inputs = static_cast<std::size_t>(conv.inputs);
    job.weights = numbers.weights.data();
    job.columns = static_cast<std::size_t>(output.width);
    Finish& finish = job.finish;
    finish.bias = numbers.slope.size() == 0 ? numbers.bias.data() : prepared.bias.data();
    finish.shift = numbers.shift.data();
    finish.low = conv.low;
    finish.high = conv.high;
    if (conv.add) {
        const Map& add = space_.map(conv.add->slot);
        finish.add_row = add.row;
        finish.add_pixel = add.pixel;
    }
    finish.output_row = output.row;
    finish.output_pixel = output.pixel;
    finish.outputs = conv.bias.size();
    return prepared;
}

// Where the maps lie now.
void StageRun::point(const Conv& conv, ConvJob& job) const {
    job.input = space_.map(conv.input.slot).at(conv.origin_y, conv.origin_x) + conv.input.first;
    job.finish.output = space_.map(conv.output.slot).data + conv.output.first;
    if (conv.add) job.finish.add = space_.map(conv.add->slot).data + conv.add->first;
}

void StageRun::run(std::int32_t condition, Team& team) {
    set_condition(condition);
    for (std::size_t i = 0; i < convs_.size(); ++i) {
        const auto* conv = std::get_if<Conv>(&stage_.layers[i]);
        if (conv != nullptr) point(*conv, convs_[i].job);
    }
    for (std::size_t i = 0; i < plan_.strips.size(); ++i) is_done_[i] = false;
    next_ = 0;
    team.run([this](std::size_t member) { work(scratch_[member]); });
}

void StageRun::set_condition(std::int32_t condition) {
    for (PreparedConv& conv : convs_) {
        for (std::size_t i = 0; i < conv.bias.size(); ++i) {
            conv.bias[i] = conv.numbers->bias[i] + conv.numbers->slope[i] * condition;
        }
    }
}

// What one member of the team does.
void StageRun::work(const Scratch& scratch) {
    const std::size_t strips = plan_.strips.size();
    for (;;) {
        const std::size_t at = next_++;
        if (at >= strips + plan_.gaps.size()) return;
        if (at < strips) {
            do_steps(plan_.strips[at], scratch);
            is_done_[at].store(true, std::memory_order_release);
            continue;
        }
        wait_for(at - strips);
        wait_for(at - strips + 1);
        do_steps(plan_.gaps[at - strips], scratch);
    }
}

// All strips are under way when the first gap comes up, so this ends.
void StageRun::wait_for(std::size_t strip) const {
    while (!is_done_[strip].load(std::memory_order_acquire)) std::this_thread::yield();
}

void StageRun::do_steps(const std::vector<Step>& steps, const Scratch& scratch) const {
    for (const Step& step : steps) do_rows(step, scratch);
}

void StageRun::do_rows(const Step& step, const Scratch& scratch) const {
    const Layer& layer = stage_.layers[step.layer];
    if (const auto* spread = std::get_if<DepthToSpace>(&layer))
        return engine::do_rows(*spread, space_, step);
    if (const auto* gather = std::get_if<SpaceToDepth>(&layer))
        return engine::do_rows(*gather, space_, step);
    const PreparedConv& conv = convs_[step.layer];
    ConvJob job = conv.job;
    job.input += step.first * job.input_row;
    if (job.finish.add != nullptr) job.finish.add += step.first * job.finish.add_row;
    job.finish.output += step.first * job.finish.output_row;
    job.rows = static_cast<std::size_t>(step.end - step.first);
    job.tiles = scratch.tiles.data();
    job.sums = scratch.sums.data();
    (conv.numbers->is_winograd ? kernels_.winograd : kernels_.conv)(job);
}

}  // namespace streamcodec::engine
