// Latents with a context model: plain loops and wide ones refuse a stream, or decode it to the
// same.
#include <optional>

#include "decoded.hpp"
#include "fuzz.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

std::optional<std::vector<std::int32_t>> latent_of(const fuzz::ContextSample& sample,
                                                   std::size_t which,
                                                   View<const std::uint8_t> stream,
                                                   InstructionSet set) {
    const Latent& latent = sample.latents[which];
    std::vector<std::int32_t> y_hat(latent.y_hat.size());
    try {
        Decoder decoder(sample.tables, stream, set);
        sample.models[which].decode(
            decoder, {latent.height, latent.width, view(latent.features), 1, set, y_hat.data()});
        decoder.finish();
        return y_hat;
    } catch (const CorruptStream&) {
        return {};
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::ContextSample sample;
    fuzz::Choices choices(data, size);
    const InstructionSet set = choices.one_of(fuzz::wide_sets());
    const std::size_t which = choices.byte() % 2;
    FUZZ_CHECK(latent_of(sample, which, choices.rest(), set) ==
               latent_of(sample, which, choices.rest(), InstructionSet::scalar));
    return 0;
}
