// Payloads of I-, P- and B-frames: each is refused as damaged, or decodes to the same pixels by
// plain loops and by wide ones.
#include <optional>

#include "decoded.hpp"
#include "fuzz.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

std::optional<Bytes> pixels_of(const fuzz::FrameSample& sample, std::size_t kind,
                               View<const std::uint8_t> payload, InstructionSet set) {
    const frame::Geometry size = fuzz::FrameSample::kSize;
    const frame::Job job{1, set};
    try {
        if (kind == 0)
            return samples::pixels_of(sample.frames.intra->decode(payload, size, job)).bytes;
        const frame::Reference& reference = sample.references[kind];
        return samples::pixels_of(sample.frames.inter->decode(payload, size, reference, job)).bytes;
    } catch (const CorruptStream&) {
        return {};
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::FrameSample sample;
    fuzz::Choices choices(data, size);
    const InstructionSet set = choices.one_of(fuzz::wide_sets());
    const std::size_t kind = choices.byte() % sample.payloads.size();
    FUZZ_CHECK(pixels_of(sample, kind, choices.rest(), set) ==
               pixels_of(sample, kind, choices.rest(), InstructionSet::scalar));
    return 0;
}
