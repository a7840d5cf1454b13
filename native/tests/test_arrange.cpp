// Slots that share memory: the same numbers as with memory of their own, and less of it.
#include <algorithm>

#include "check.hpp"
#include "engine/arrange.hpp"
#include "engine/kernels/select.hpp"
#include "engine/workspace.hpp"
#include "platform/error.hpp"

using namespace streamcodec;
using namespace streamcodec::engine;

namespace {

constexpr std::int32_t kChannels = 16;
constexpr std::int32_t kLimit = 255;

Conv conv_3x3(std::size_t input, std::size_t output, std::optional<Channels> add, int seed) {
    Conv conv;
    conv.input = {input, 0};
    conv.inputs = kChannels;
    conv.output = {output, 0};
    for (std::int32_t dy = -1; dy <= 1; ++dy) {
        for (std::int32_t dx = -1; dx <= 1; ++dx) conv.taps.push_back({dy, dx});
    }
    for (std::int32_t i = 0; i < kChannels * 9 * kChannels; ++i)
        conv.weights.push_back(static_cast<std::int16_t>((i * 37 + seed * 11) % 101 - 50));
    conv.bias.assign(kChannels, 8);
    conv.shift.assign(kChannels, 7);
    conv.low = -kLimit;
    conv.high = kLimit;
    conv.add = add;
    return conv;
}

Slot slot(const char* name, bool is_given = false) { return {name, kChannels, kLimit, is_given}; }

enum : std::size_t { kIn, kX0, kH0, kX1, kH1, kX2, kOut };

// Two residual blocks between two layers, which a second stage goes on from.
Network residual_network() {
    return {{slot("in", true), slot("x0"), slot("h0"), slot("x1"), slot("h1"), slot("x2"),
             slot("out"), slot("last")},
            {{"blocks",
              {conv_3x3(kIn, kX0, {}, 1), conv_3x3(kX0, kH0, {}, 2),
               conv_3x3(kH0, kX1, Channels{kX0, 0}, 3), conv_3x3(kX1, kH1, {}, 4),
               conv_3x3(kH1, kX2, Channels{kX1, 0}, 5), conv_3x3(kX2, kOut, {}, 6)}},
             {"last", {conv_3x3(kOut, kOut + 1, {}, 7)}}}};
}

Schedule residual_schedule() {
    return {{{}, {kIn}, {0}}, {0, {}, {}}, {1, {}, {1}}, {{}, {kOut + 1}, {}}};
}

std::vector<Size> given(std::int32_t height, std::int32_t width) {
    std::vector<Size> sizes(kOut + 2);
    sizes[kIn] = {height, width};
    return sizes;
}

void fill(const Map& map) {
    for (std::int32_t y = 0; y < map.height; ++y) {
        for (std::int32_t i = 0; i < map.width * kChannels; ++i)
            map.at(y, 0)[i] = static_cast<std::int16_t>((y * 71 + i * 29) % 511 - 255);
    }
}

bool are_equal(const Map& a, const Map& b) {
    for (std::int32_t y = 0; y < a.height; ++y) {
        if (!std::equal(a.at(y, 0), a.at(y, a.width), b.at(y, 0))) return false;
    }
    return a.height == b.height && a.width == b.width;
}

}  // namespace

TEST(shared_memory_gives_the_same_numbers) {
    const Network network = residual_network();
    for (const auto& [height, width] : {std::pair{1, 1}, {7, 5}, {64, 12}, {131, 9}}) {
        Workspace own(network), shared(network);
        own.resize(given(height, width));
        shared.resize(given(height, width), residual_schedule(), {1000, 3000});
        Buffer<std::byte> memory(shared.size_bytes());
        for (const Kernels* kernels : available_kernels()) {
            for (const std::size_t members : {1, 2, 4}) {
                std::fill_n(memory.data(), memory.size(), std::byte{0x5a});
                shared.bind(memory.data());
                Team team(members);
                for (Workspace* space : {&own, &shared}) {
                    fill(space->map(kIn));
                    for (const std::size_t stage : {0, 1})
                        network.run(stage, 0, *space, team, *kernels);
                }
                CHECK(are_equal(own.map(kOut + 1), shared.map(kOut + 1)));
            }
        }
    }
}

TEST(residual_blocks_lie_in_two_places) {
    const Network network = residual_network();
    const std::vector<Size> sizes(network.slots().size(), Size{8, 8});
    const std::vector<std::size_t> found = homes(network, residual_schedule(), sizes);
    // x0 is still to be added when h0 is made.
    CHECK(found[kX1] == found[kX0] && found[kX2] == found[kX0] && found[kH1] == found[kH0]);
    CHECK(found[kX0] != found[kH0] && found[kX0] != kIn);
}

TEST(a_slot_does_not_follow_one_that_is_read_later) {
    // x1 + x0 lies where x0 was, unless another layer reads x0 afterwards.
    std::vector<Slot> slots{slot("in", true), slot("x0"), slot("h0"), slot("x1"), slot("late")};
    std::vector<Layer> layers{conv_3x3(0, 1, {}, 1), conv_3x3(1, 2, {}, 2),
                              conv_3x3(2, 3, Channels{1, 0}, 3)};
    const Schedule schedule{{{}, {0}, {}}, {0, {}, {}}, {{}, {3}, {}}};
    const std::vector<Size> sizes(slots.size(), Size{8, 8});
    CHECK(homes(Network(slots, {{"all", layers}}), schedule, sizes)[3] == 1);
    layers.push_back(conv_3x3(1, 4, {}, 4));
    CHECK(homes(Network(slots, {{"all", layers}}), schedule, sizes)[3] == 3);
}

TEST(a_slot_that_the_caller_reads_later_is_kept) {
    const Network network = residual_network();
    const std::vector<Size> sizes(network.slots().size(), Size{8, 8});
    Schedule schedule = residual_schedule();
    schedule.push_back({{}, {kX0}, {}});
    const std::vector<std::size_t> found = homes(network, schedule, sizes);
    CHECK(std::count(found.begin(), found.end(), std::size_t{kX0}) == 1);
}

TEST(regions_of_one_phase_do_not_overlap) {
    std::vector<Region> regions;
    for (std::size_t i = 0; i < 40; ++i)
        regions.push_back({1 + i * 7919 % 1000, {i * 31 % 17, i * 31 % 17 + i % 5}, 0});
    const std::size_t end = place(regions);
    std::size_t sum = 0;
    for (const Region& a : regions) {
        sum += a.size_bytes;
        CHECK(a.offset % 64 == 0 && a.offset + a.size_bytes <= end);
        for (const Region& b : regions) {
            if (&a == &b || a.lifetime.first > b.lifetime.last ||
                b.lifetime.first > a.lifetime.last)
                continue;
            CHECK(a.offset + a.size_bytes <= b.offset || b.offset + b.size_bytes <= a.offset);
        }
    }
    CHECK(end < sum);
}

TEST(a_schedule_that_reads_too_early_is_refused) {
    const Network network = residual_network();
    Workspace space(network);
    const Schedule without_input{{0, {}, {}}}, late{{{}, {kIn}, {}}, {1, {}, {}}, {0, {}, {}}};
    CHECK_THROWS(BadArgument, space.resize(given(8, 8), without_input, {}));
    CHECK_THROWS(BadArgument, space.resize(given(8, 8), late, {}));
}

TEST(a_stage_runs_in_memory_that_it_was_given) {
    const Network network = residual_network();
    Workspace space(network);
    Team team(1);
    Schedule first = residual_schedule();
    first.resize(2);
    space.resize(given(8, 8), first, {64});
    CHECK_THROWS(BadArgument, network.run(0, 0, space, team, InstructionSet::scalar));
    Buffer<std::byte> memory(space.size_bytes());
    space.bind(memory.data());
    network.run(0, 0, space, team, InstructionSet::scalar);
    CHECK_THROWS(BadArgument, network.run(1, 0, space, team, InstructionSet::scalar));
}
