// The transform across macroblocks. tests/frame compares frames with a slow model of the format.
#include "frame/hadamard.hpp"

#include <algorithm>

#include "check.hpp"
#include "frame_samples.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

constexpr frame::Geometry kMacroblock{16, 16}, kSize{50, 70};

std::size_t at(std::size_t position, std::size_t channel) {
    return position * frame::kChannels + channel;
}

// Of four numbers, the positions of a macroblock, in channel 7.
std::vector<std::int16_t> transformed(const std::vector<std::int16_t>& numbers) {
    std::vector<std::int16_t> latent(kMacroblock.latent(), 5);
    for (std::size_t i = 0; i < 4; ++i) latent[at(i, 7)] = numbers[i];
    Team team(1);
    frame::hadamard(latent.data(), kMacroblock, {7}, team);
    std::vector<std::int16_t> found;
    for (std::size_t i = 0; i < 4; ++i) found.push_back(std::exchange(latent[at(i, 7)], 5));
    CHECK(std::count(latent.begin(), latent.end(), 5) ==
          static_cast<std::ptrdiff_t>(latent.size()));
    return found;
}

// The model of P-frames in frames.bin, with these channels.
std::shared_ptr<const frame::InterModel> with_channels(const std::vector<std::int32_t>& channels) {
    Numbers numbers(STREAMCODEC_TEST_DATA "/frames.bin");
    model_of<frame::IntraModel>(numbers);
    return model_of<frame::InterModel>(numbers, view(channels));
}

}  // namespace

TEST(hadamard_of_a_macroblock) {
    CHECK(transformed({1, 2, 4, 8}) == (std::vector<std::int16_t>{8, -2, -4, 2}));
    CHECK(transformed({8, -2, -4, 2}) == (std::vector<std::int16_t>{2, 2, 4, 8}));
    CHECK(transformed({-3, -3, -3, -3}) == (std::vector<std::int16_t>{-6, 0, 0, 0}));
    CHECK(transformed({32767, 32767, 32767, 32767}) == (std::vector<std::int16_t>{32767, 0, 0, 0}));
    CHECK(transformed({-32768, -32768, 32767, 32767}) ==
          (std::vector<std::int16_t>{-1, 0, -32768, 0}));
}

TEST(hadamard_transforms_every_macroblock) {
    std::vector<std::int16_t> latent(kSize.latent(), 3), expected(kSize.latent(), 3);
    const std::size_t columns = kSize.columns8();
    for (std::size_t y = 0; y < kSize.rows8(); ++y) {
        for (std::size_t x = 0; x < columns; ++x) {
            for (const std::size_t channel : {0u, 95u})
                expected[at(y * columns + x, channel)] = y % 2 == 0 && x % 2 == 0 ? 6 : 0;
        }
    }
    Team team(3);
    frame::hadamard(latent.data(), kSize, {0, 95}, team);
    CHECK(latent == expected);
}

TEST(estimate_of_hadamard) {
    std::vector<std::int16_t> flat(kSize.latent(), 0), single(kSize.latent(), 0);
    for (std::size_t i = 0; i < kSize.latent(); i += frame::kChannels) flat[i] = 400;
    single[0] = 400;
    const std::vector<std::int32_t> gain(frame::kChannels, 1 << 12);  // steps of 32 pixels
    Team team(3);
    CHECK(frame::gains_by_hadamard(flat.data(), kSize, {0, 1}, gain.data(), 6554, team));
    CHECK(!frame::gains_by_hadamard(single.data(), kSize, {0, 1}, gain.data(), 6554, team));
    CHECK(!frame::gains_by_hadamard(flat.data(), kSize, {1}, gain.data(), 6554, team));
}

TEST(channels_of_hadamard_that_are_not_accepted) {
    const std::vector<std::int32_t> all[] = {{96}, {-1}, {1, 0}, {1, 1}};
    for (const auto& channels : all) CHECK_THROWS(BadArgument, with_channels(channels));
    // The model has no stages for such frames.
    CHECK_THROWS(BadArgument, with_channels({0, 1}));
    CHECK(with_channels({})->hadamard().empty());
}
