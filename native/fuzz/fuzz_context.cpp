// Latents with a context model: all instruction sets refuse a stream, or decode it to the same.
#include <optional>

#include "context_samples.hpp"
#include "fuzz.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

struct Sample {
    std::shared_ptr<const Tables> tables;
    std::vector<ContextModel> models;
    std::vector<Latent> latents;
};

Sample make_sample() {
    std::mt19937 random(2);
    Sample sample;
    sample.tables = random_tables(random, 12).tables();
    for (const Schedule schedule : {Schedule::raster, Schedule::checkerboard}) {
        sample.models.push_back(random_context(random, schedule, 12).model());
        sample.latents.emplace_back(random, sample.models.back(), 5, 6);
    }
    return sample;
}

std::optional<std::vector<std::int32_t>> latent_of(const Sample& sample, std::size_t which,
                                                   View<const std::uint8_t> stream,
                                                   InstructionSet set) {
    Latent latent = sample.latents[which];
    try {
        decode(sample.models[which], latent, sample.tables, {stream.begin(), stream.end()}, set);
        return latent.y_hat;
    } catch (const CorruptStream&) {
        return {};
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Sample sample = make_sample();
    fuzz::Choices choices(data, size);
    const std::size_t which = choices.byte() % 2;
    const auto expected = latent_of(sample, which, choices.rest(), InstructionSet::scalar);
    for (const InstructionSet set : available_instruction_sets())
        FUZZ_CHECK(latent_of(sample, which, choices.rest(), set) == expected);
    return 0;
}
