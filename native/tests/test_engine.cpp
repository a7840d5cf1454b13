// Integer networks: small programs against a plain loop, and programs that are refused.
#include "check.hpp"
#include "engine/kernels/select.hpp"
#include "engine/network.hpp"
#include "engine/workspace.hpp"
#include "platform/error.hpp"

using namespace streamcodec;
using namespace streamcodec::engine;

namespace {

// 3x3, 2 -> 3 channels.
Conv small_conv() {
    Conv conv;
    conv.input = {0, 0};
    conv.inputs = 2;
    conv.output = {1, 0};
    for (std::int32_t dy = -1; dy <= 1; ++dy) {
        for (std::int32_t dx = -1; dx <= 1; ++dx) conv.taps.push_back({dy, dx});
    }
    for (std::int32_t i = 0; i < 3 * 9 * 2; ++i) {
        conv.weights.push_back(static_cast<std::int16_t>(i * 37 % 101 - 50));
    }
    conv.bias = {4, -100, 7};
    conv.slope = {0, -3, 100};
    conv.shift = {3, 0, 5};
    conv.low = -300;
    conv.high = 300;
    return conv;
}

std::vector<Slot> small_slots() { return {{"in", 2, 100, true}, {"out", 3, 300, false}}; }

std::int32_t expected(const Conv& conv, std::int32_t condition, const Map& input, std::int32_t y,
                      std::int32_t x, std::size_t output) {
    std::int64_t sum = conv.bias[output] + std::int64_t{conv.slope[output]} * condition;
    for (std::size_t t = 0; t < conv.taps.size(); ++t) {
        const std::int32_t row = conv.stride * y + conv.origin_y + conv.taps[t].dy;
        const std::int32_t column = conv.stride * x + conv.origin_x + conv.taps[t].dx;
        if (row < 0 || row >= input.height || column < 0 || column >= input.width) continue;
        for (std::size_t c = 0; c < static_cast<std::size_t>(conv.inputs); ++c) {
            const std::size_t weight =
                (output * conv.taps.size() + t) * static_cast<std::size_t>(conv.inputs) + c;
            sum += std::int64_t{conv.weights[weight]} * input.at(row, column)[c];
        }
    }
    sum >>= conv.shift[output];
    return static_cast<std::int32_t>(sum < conv.low ? conv.low : sum > conv.high ? conv.high : sum);
}

}  // namespace

TEST(a_convolution_equals_a_plain_loop_on_every_instruction_set) {
    constexpr std::int32_t condition = -77;
    for (const std::int32_t stride : {1, 2}) {
        Conv conv = small_conv();
        conv.stride = stride;
        conv.origin_x = stride - 1;
        const Network network(small_slots(), {{"all", {conv}}});
        Workspace workspace(network);
        workspace.resize({{5, 7}, {0, 0}});
        const Map& input = workspace.map(0);
        for (std::int32_t y = 0; y < 5; ++y) {
            for (std::int32_t x = 0; x < 7; ++x) {
                for (std::int32_t c = 0; c < 2; ++c) {
                    input.at(y, x)[c] =
                        static_cast<std::int16_t>((y * 31 + x * 17 + c * 5) % 201 - 100);
                }
            }
        }
        for (const Kernels* kernels : available_kernels()) {
            for (const std::size_t size : {1, 2, 5}) {
                workspace.clear(1);
                Team team(size);
                network.run(0, condition, workspace, team, *kernels);
                const Map& output = workspace.map(1);
                CHECK(output.height == (5 + stride - 1) / stride &&
                      output.width == (stride == 1 ? 7 : 3));
                for (std::int32_t y = 0; y < output.height; ++y) {
                    for (std::int32_t x = 0; x < output.width; ++x) {
                        for (std::size_t o = 0; o < 3; ++o)
                            CHECK(output.at(y, x)[o] == expected(conv, condition, input, y, x, o));
                    }
                }
            }
        }
    }
}

TEST(a_program_that_is_not_sound_is_refused) {
    const auto refused = [](auto change) {
        Conv conv = small_conv();
        std::vector<Slot> slots = small_slots();
        change(conv, slots);
        CHECK_THROWS(BadArgument, Network(slots, {{"all", {conv}}}));
    };
    refused([](Conv& conv, auto&) { conv.input.slot = 2; });
    refused([](Conv& conv, auto&) { conv.input.first = 1; });
    refused([](Conv& conv, auto&) { conv.input.first = -1; });
    refused([](Conv& conv, auto&) { conv.output.slot = 0; });
    refused([](Conv& conv, auto&) { conv.stride = 3; });
    refused([](Conv& conv, auto&) { conv.origin_y = 1; });
    refused([](Conv& conv, auto&) { conv.shift[1] = 25; });
    refused([](Conv& conv, auto&) { conv.shift.pop_back(); });
    refused([](Conv& conv, auto&) { conv.slope.pop_back(); });
    refused([](Conv& conv, auto&) { conv.slope[0] = 1 << 23; });
    refused([](Conv& conv, auto&) { conv.weights.pop_back(); });
    refused([](Conv& conv, auto&) { conv.high = 301; });
    refused([](Conv& conv, auto&) { conv.low = 301; });
    refused([](Conv& conv, auto&) { conv.taps[0].dy = 17; });
    refused([](Conv& conv, auto&) { conv.add = Channels{1, 0}; });
    refused([](Conv& conv, auto&) { conv.bias[0] = std::numeric_limits<std::int32_t>::min(); });
    refused(
        [](Conv& conv, auto&) { conv.bias[0] = std::numeric_limits<std::int32_t>::max() - 1000; });
    refused([](Conv&, auto& slots) { slots[0].is_given = false; });
    refused([](Conv&, auto& slots) { slots[0].max_abs = 32768; });
    refused([](Conv&, auto& slots) { slots[1].name = "in"; });
}

TEST(sizes_that_do_not_fit_are_refused) {
    const Network network(small_slots(), {{"all", {small_conv()}}});
    Workspace workspace(network);
    Team team(1);
    CHECK_THROWS(BadArgument, network.run(0, 0, workspace, team, InstructionSet::scalar));
    CHECK_THROWS(BadArgument, workspace.resize({{5, 7}}));
    CHECK_THROWS(BadArgument, workspace.resize({{5, 0}, {0, 0}}));
    CHECK_THROWS(BadArgument, workspace.resize({{5, 7}, {5, 7}}));
    workspace.resize({{5, 7}, {0, 0}});
    CHECK_THROWS(BadArgument, network.run(0, 257, workspace, team, InstructionSet::scalar));
    CHECK_THROWS(BadArgument, network.run(1, 0, workspace, team, InstructionSet::scalar));
}
