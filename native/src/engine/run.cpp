// Network::run(): layers divided into rows, the rows among the members of a team.
#include <algorithm>

#include "engine/kernels.hpp"
#include "engine/network.hpp"
#include "engine/workspace.hpp"
#include "error.hpp"

namespace streamcodec::engine {

namespace {

struct Rows {
    std::int32_t first, end;
};

void run_rows(const Conv& conv, const PackedConv& packed, const Kernels& kernels,
              const Workspace& space, Rows rows) {
    const Map &input = space.map(conv.input.slot), &output = space.map(conv.output.slot);
    std::vector<std::ptrdiff_t> taps;
    for (const Tap& tap : conv.taps) taps.push_back(tap.dy * input.row + tap.dx * input.pixel);
    ConvJob job{};
    job.input =
        input.at(conv.stride * rows.first + conv.origin_y, conv.origin_x) + conv.input.first;
    job.input_row = conv.stride * input.row;
    job.input_pixel = conv.stride * input.pixel;
    job.taps = taps.data();
    job.tap_count = taps.size();
    job.inputs = static_cast<std::size_t>(conv.inputs);
    job.weights = packed.weights.data();
    job.finish.bias = packed.bias.data();
    job.finish.shift = packed.shift.data();
    job.finish.low = conv.low;
    job.finish.high = conv.high;
    if (conv.add) {
        const Map& add = space.map(conv.add->slot);
        job.finish.add = add.at(rows.first, 0) + conv.add->first;
        job.finish.add_row = add.row;
        job.finish.add_pixel = add.pixel;
    }
    job.finish.output = output.at(rows.first, 0) + conv.output.first;
    job.finish.output_row = output.row;
    job.finish.output_pixel = output.pixel;
    job.finish.outputs = conv.bias.size();
    job.rows = static_cast<std::size_t>(rows.end - rows.first);
    job.columns = static_cast<std::size_t>(output.width);
    kernels.conv(job);
}

void run_rows(const DepthToSpace& layer, const PackedConv&, const Kernels&, const Workspace& space,
              Rows rows) {
    const Map &input = space.map(layer.input.slot), &output = space.map(layer.output.slot);
    for (std::int32_t y = rows.first; y < rows.end; ++y) {
        for (std::int32_t x = 0; x < output.width; ++x) {
            const std::int32_t part = 2 * (y % 2) + x % 2;
            const std::int16_t* const from =
                input.at(y / 2, x / 2) + layer.input.first + part * layer.channels;
            std::copy_n(from, layer.channels, output.at(y, x) + layer.output.first);
        }
    }
}

void run_rows(const SpaceToDepth& layer, const PackedConv&, const Kernels&, const Workspace& space,
              Rows rows) {
    const Map &input = space.map(layer.input.slot), &output = space.map(layer.output.slot);
    for (std::int32_t y = rows.first; y < rows.end; ++y) {
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

std::int32_t output_rows(const Layer& layer, const Workspace& space) {
    return std::visit([&](const auto& one) { return space.map(one.output.slot).height; }, layer);
}

}  // namespace

void Network::run(std::size_t stage, Workspace& workspace, Team& team, InstructionSet) const {
    if (stage >= stages_.size()) {
        throw BadArgument("stage " + std::to_string(stage) + "; there are " +
                          std::to_string(stages_.size()));
    }
    if (&workspace.network() != this || !workspace.has_sizes()) {
        throw BadArgument(
            "the workspace is another network's or has no sizes; accepted: one of this network, "
            "resized");
    }
    const std::vector<PackedConv>& numbers = packed(stage, kScalar);
    for (std::size_t i = 0; i < stages_[stage].layers.size(); ++i) {
        const Layer& layer = stages_[stage].layers[i];
        const std::int64_t height = output_rows(layer, workspace);
        const auto members = static_cast<std::int64_t>(team.size());
        team.run([&](std::size_t index) {
            const auto member = static_cast<std::int64_t>(index);
            const Rows rows{static_cast<std::int32_t>(height * member / members),
                            static_cast<std::int32_t>(height * (member + 1) / members)};
            std::visit(
                [&](const auto& one) { run_rows(one, numbers[i], kScalar, workspace, rows); },
                layer);
        });
    }
}

}  // namespace streamcodec::engine
