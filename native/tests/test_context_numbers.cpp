// What a context model may be made of, and the inner loops at the ends of their ranges.
#include "check.hpp"
#include "context/dispatch.hpp"
#include "context_samples.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

// x * 2^-shift, rounded half to even.
std::int64_t half_even(std::int64_t x, int shift) {
    if (shift <= 0) return x * (std::int64_t{1} << -shift);
    const std::int64_t unit = std::int64_t{1} << shift;
    const std::int64_t rest = ((x % unit) + unit) % unit, down = (x - rest) / unit;
    return down + (2 * rest > unit || (2 * rest == unit && down % 2 != 0) ? 1 : 0);
}

// Tries a change of good numbers, which must be refused.
template <typename Change>
void refuse(Change change) {
    std::mt19937 random(30);
    ContextNumbers numbers = random_context(random, Schedule::raster, 9);
    numbers.model();
    change(numbers);
    CHECK_THROWS(BadArgument, numbers.model());
}

}  // namespace

TEST(context_numbers_that_are_not_accepted_are_refused) {
    refuse([](ContextNumbers& n) { n.layers[1].weight[0] = -32768; });
    refuse([](ContextNumbers& n) { n.layers[1].weight.pop_back(); });
    refuse([](ContextNumbers& n) { n.layers[2].shift[0] = -1; });
    refuse([](ContextNumbers& n) { n.layers[2].shift[0] = 31; });
    refuse([](ContextNumbers& n) { n.layers[1].shift.push_back(8); });
    refuse([](ContextNumbers& n) { n.layers[0].bias[0] = kContextLimit + 1; });
    refuse([](ContextNumbers& n) { n.layers[0].bias[0] = -kContextLimit - 1; });
    refuse([](ContextNumbers& n) { n.layers[0].bias.clear(); });
    refuse([](ContextNumbers& n) { n.layers[1].slope = 65537; });
    refuse([](ContextNumbers& n) { n.layers[1].slope = -1; });
    refuse([](ContextNumbers& n) { n.layers.resize(1); });
    refuse([](ContextNumbers& n) { n.layers.back().bias.clear(); });
    refuse([](ContextNumbers& n) { n.layers.insert(n.layers.end(), 20, n.layers.back()); });
    refuse([](ContextNumbers& n) { n.thresholds[1] = n.thresholds[0] - 1; });
    refuse([](ContextNumbers& n) { n.thresholds.assign(65536, 0); });
    refuse([](ContextNumbers& n) { n.taps.clear(); });
    refuse([](ContextNumbers& n) { n.taps.pop_back(); });
    refuse([](ContextNumbers& n) { n.taps[0] = 0; });  // (0, 0)
    refuse([](ContextNumbers& n) { n.taps[0] = 1; });  // not coded before
    refuse([](ContextNumbers& n) { n.taps[0] = -16; });
    refuse([](ContextNumbers& n) { n.schedule = Schedule::checkerboard; });  // two steps away
    CHECK_THROWS(BadArgument, schedule_named("spiral"));
}

// In each chunk of 256 inputs the weights of an output may reach 65538 in magnitude, and no more.
TEST(context_weights_that_could_overflow_are_refused) {
    std::mt19937 random(31);
    for (const std::size_t inputs : {std::size_t{3}, kChunkInputs, kChunkInputs + 3}) {
        LayerNumbers layer = random_layer(random, inputs, 1, 17);
        std::fill(layer.weight.begin(), layer.weight.end(), std::int16_t{0});
        const LayerArrays arrays{view(layer.weight), view(layer.shift), view(layer.bias),
                                 layer.slope};
        const std::size_t last = inputs - 1;
        layer.weight[last * 17 + 16] = 32767;
        layer.weight[(last - 1) * 17 + 16] = -32767;
        layer.weight[(last - 2) * 17 + 16] = 4;
        ContextLayer(arrays, {inputs}, "it");
        layer.weight[(last - 2) * 17 + 16] = -5;
        CHECK_THROWS(BadArgument, ContextLayer(arrays, {inputs}, "it"));
    }
}

TEST(context_loops_multiply_the_largest_numbers_exactly) {
    std::mt19937 random(32);
    for (const std::size_t inputs : {std::size_t{5}, std::size_t{256}, std::size_t{770}}) {
        LayerNumbers layer = random_layer(random, inputs, 1, 20);
        for (auto& weight : layer.weight)
            weight = static_cast<std::int16_t>(weight > 0 ? 256 : -256);
        layer.shift.assign(20, 12);
        const PackedWeights packed(view(layer.weight), view(layer.shift), "it");
        for (const InstructionSet set : available_instruction_sets()) {
            const ContextKernels& kernels = context_kernels_for(set);
            for (std::size_t positions = 1; positions <= 30; ++positions) {
                std::vector<std::int16_t> mantissas(positions * packed.padded_inputs());
                const bool same_signs =
                    positions % 2 == 0;  // as the weights of output 7: its sums reach the limit
                for (std::size_t p = 0; p < positions; ++p) {
                    for (std::size_t i = 0; i < inputs; ++i) {
                        const bool positive =
                            same_signs ? layer.weight[i * 20 + 7] > 0 : random() % 2 == 0;
                        mantissas[p * packed.padded_inputs() + i] = positive ? 32767 : -32767;
                    }
                }
                const std::vector<int> fractions(positions, 12);
                std::vector<std::int64_t> sums(positions * 32), totals(positions * 32);
                packed.add(kernels, mantissas.data(), fractions.data(), positions, sums.data(),
                           totals.data());
                for (std::size_t p = 0; p < positions; ++p) {
                    for (std::size_t output = 0; output < 20; ++output) {
                        std::int64_t sum = 0;
                        for (std::size_t i = 0; i < inputs; ++i) {
                            sum += std::int64_t{layer.weight[i * 20 + output]} *
                                   mantissas[p * packed.padded_inputs() + i];
                        }
                        CHECK(sums[p * 32 + output] == sum);
                        CHECK(totals[p * 32 + output] == half_even(sum, 12));
                    }
                }
            }
        }
    }
}

TEST(context_loops_round_halves_to_even) {
    std::mt19937 random(33);
    for (const InstructionSet set : available_instruction_sets()) {
        const ContextKernels& kernels = context_kernels_for(set);
        for (int shift = 0; shift <= kMaxShift; ++shift) {
            for (int fraction = 2; fraction <= kFractionBits; ++fraction) {
                std::vector<std::int64_t> sums, shifts(40, shift), totals(40, 5);
                for (std::int64_t i = -20; i < 20; ++i) {
                    const std::int64_t near = std::int64_t{random_between(random, -2, 2)};
                    sums.push_back(i == -20
                                       ? -(std::int64_t{1} << 41)
                                       : i * (std::int64_t{1} << std::max(shift - 1, 0)) + near);
                }
                kernels.add_rounded(sums.data(), shifts.data(), fraction, 40, totals.data());
                for (std::size_t i = 0; i < 40; ++i)
                    CHECK(totals[i] == 5 + half_even(sums[i], shift + fraction - 12));
            }
        }
    }
}

TEST(context_loops_normalise_and_activate_exactly) {
    std::mt19937 random(34);
    for (const InstructionSet set : available_instruction_sets()) {
        const ContextKernels& kernels = context_kernels_for(set);
        for (int bits = 0; bits <= 24; ++bits) {
            for (const std::int32_t past : {-1, 0, 1}) {
                const std::int32_t most = std::min(std::max((1 << bits) + past, 0), kContextLimit);
                std::vector<std::int32_t> x{most, -most}, out(37);
                while (x.size() < 37) x.push_back(random_between(random, -most, most));
                std::vector<std::int16_t> mantissas(37);
                const int shift = kernels.normalise(x.data(), 37, mantissas.data());
                CHECK(shift == 0 || most >= 1 << (14 + shift));
                CHECK(most < 1 << (15 + shift));
                const std::int32_t slope =
                    random() % 3 == 0 ? 65536 : random_between(random, 0, 65535);
                const std::vector<std::int64_t> totals(x.begin(), x.end());
                kernels.activate(totals.data(), slope, 37, out.data());
                for (std::size_t i = 0; i < 37; ++i) {
                    const std::int64_t rounded = half_even(x[i], shift);
                    CHECK(mantissas[i] ==
                          std::min<std::int64_t>(std::max<std::int64_t>(rounded, -32767), 32767));
                    CHECK(out[i] == (x[i] < 0 ? half_even(std::int64_t{x[i]} * slope, 16) : x[i]));
                }
            }
        }
        const std::int64_t beyond[] = {kContextLimit + 1, -kContextLimit - 1, std::int64_t{1} << 53,
                                       -(std::int64_t{1} << 53)};
        std::int32_t out[4];
        kernels.activate(beyond, 32768, 4, out);
        CHECK(out[0] == kContextLimit && out[1] == -kContextLimit / 2 && out[2] == out[0] &&
              out[3] == out[1]);
    }
}
