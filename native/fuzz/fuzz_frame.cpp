// Payloads of I-frames and P-frames: each is refused as damaged, or decodes to the same pixels by
// the plain loops and by the best ones.
#include <optional>

#include "frame_samples.hpp"
#include "fuzz.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

struct Sample {
    Frames frames = read_frames(STREAMCODEC_TEST_DATA "/frames.bin");
    frame::Reference key, second;  // of the first GOP

    Sample() {
        const Gop& gop = frames.gops[0];
        const frame::Job job{1, InstructionSet::scalar};
        key = frames.intra->decode(view(gop.frames[0].payload), gop.size, job);
        second = frames.inter->decode(view(gop.frames[1].payload), gop.size, key, job);
    }
};

std::optional<Bytes> pixels_of(const Sample& sample, int kind, View<const std::uint8_t> payload,
                               InstructionSet set) {
    const frame::Geometry size = sample.frames.gops[0].size;
    const frame::Job job{1, set};
    try {
        if (kind == 0)
            return samples::pixels_of(sample.frames.intra->decode(payload, size, job)).bytes;
        const frame::Reference& before = kind == 1 ? sample.key : sample.second;
        return samples::pixels_of(sample.frames.inter->decode(payload, size, before, job)).bytes;
    } catch (const CorruptStream&) {
        return {};
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Sample sample;
    fuzz::Choices choices(data, size);
    const int kind = choices.below(3);
    const auto plain = pixels_of(sample, kind, choices.rest(), InstructionSet::scalar);
    FUZZ_CHECK(pixels_of(sample, kind, choices.rest(), available_instruction_sets().back()) ==
               plain);
    return 0;
}
