// Whole frames: the bytes and pixels of every machine. tests/frame compares them with a slow model
// of the format; this needs no Python, so that it runs on processors which are only emulated.
#include <cstdlib>
#include <thread>

#include "check.hpp"
#include "frame_samples.hpp"
#include "platform/crc32c.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

// Others than those of small models: tools/check_aarch64.
const Frames& frames() {
    const char* const other = std::getenv("STREAMCODEC_TEST_FRAMES");
    static const Frames all =
        read_frames(other != nullptr ? other : STREAMCODEC_TEST_DATA "/frames.bin");
    return all;
}

std::uint32_t crc_of(const frame::Reference& reference) {
    return crc32c(view(pixels_of(reference).bytes));
}

frame::Reference decode(const Gop& gop, std::size_t number, const frame::Reference& before,
                        const frame::Job& job) {
    const View<const std::uint8_t> payload = view(gop.frames[number].payload);
    return number == 0 ? frames().intra->decode(payload, gop.size, job)
                       : frames().inter->decode(payload, gop.size, before, job);
}

}  // namespace

TEST(frames_decode_to_the_golden_pixels) {
    for (const InstructionSet set : available_instruction_sets()) {
        for (const std::size_t threads : {1, 3}) {
            for (const Gop& gop : frames().gops) {
                frame::Reference before;
                for (std::size_t i = 0; i < gop.frames.size(); ++i) {
                    before = decode(gop, i, before, {threads, set});
                    CHECK(crc_of(before) == gop.frames[i].crc);
                }
            }
        }
    }
}

TEST(frames_encode_to_the_golden_bytes) {
    for (const InstructionSet set : available_instruction_sets()) {
        const frame::Job job{2, set};
        for (const Gop& gop : frames().gops) {
            frame::Reference before;
            for (std::size_t i = 0; i < gop.frames.size(); ++i) {
                Pixels source = picture(gop.size, static_cast<std::int32_t>(i));
                const std::int32_t quality = gop.frames[i].quality;
                const frame::Coded coded =
                    i == 0 ? frames().intra->encode(source.planes(), quality, job)
                           : frames().inter->encode(source.planes(), quality, before,
                                                    frame::Preset::medium, job);
                CHECK(coded.payload == gop.frames[i].payload);
                before = coded.reference;
                CHECK(crc_of(before) == gop.frames[i].crc);
            }
        }
    }
}

TEST(several_callers_at_once_get_the_golden_pixels) {
    std::vector<std::uint32_t> found[3];
    std::vector<std::thread> callers;
    for (auto& crcs : found) {
        callers.emplace_back([&crcs] {
            for (const Gop& gop : frames().gops) {
                frame::Reference before;
                for (std::size_t i = 0; i < gop.frames.size(); ++i) {
                    before = decode(gop, i, before, {2, available_instruction_sets().back()});
                    crcs.push_back(crc_of(before));
                }
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    std::vector<std::uint32_t> golden;
    for (const Gop& gop : frames().gops) {
        for (const CodedFrame& frame : gop.frames) golden.push_back(frame.crc);
    }
    for (const auto& crcs : found) CHECK(crcs == golden);
}

TEST(damaged_frames_are_refused_or_decode_to_something) {
    std::mt19937 random(1);
    const frame::Job job{1, available_instruction_sets().back()};
    for (const Gop& gop : frames().gops) {
        frame::Reference key = decode(gop, 0, {}, job);
        for (std::size_t i = 0; i < 2; ++i) {
            for (int round = 0; round < 100; ++round) {
                Gop damaged = gop;
                Bytes& payload = damaged.frames[i].payload;
                payload[random() % payload.size()] = static_cast<std::uint8_t>(random());
                if (round % 3 == 0) payload.resize(random() % payload.size());
                try {
                    decode(damaged, i, key, job);
                } catch (const CorruptStream&) {
                }
            }
        }
    }
}
