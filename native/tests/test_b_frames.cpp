// Frames between two others. tests/frame compares them with a slow model of the format.
#include <algorithm>

#include "check.hpp"
#include "frame_samples.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

constexpr frame::Geometry kOne{16, 16}, kSize{50, 70};

const Frames& frames() {
    static const Frames all = read_frames(STREAMCODEC_TEST_DATA "/frames.bin");
    return all;
}

frame::Reference i_frame(const frame::Geometry& size) {
    return frame::make_reference(picture(size, 0).planes(), size, nullptr, nullptr, {}, {});
}

// A P-frame of one macroblock. The symbols' magnitudes and the row sums count up from `first`.
frame::Reference p_frame(const frame::Reference& key, const std::vector<Pair>& blocks,
                         std::int32_t first) {
    MotionField field(1, 1);
    field.blocks = blocks;
    std::vector<std::uint8_t> magnitudes(kOne.latent());
    std::iota(magnitudes.begin(), magnitudes.end(), static_cast<std::uint8_t>(first));
    std::vector<std::int32_t> sums(2 * frame::kRowSums);
    std::iota(sums.begin(), sums.end(), first);
    return frame::make_reference(picture(kOne, 1).planes(), kOne, &key, &field, view(magnitudes),
                                 view(sums));
}

// One block for each vector: `previous` is the vector, `key` another one.
std::vector<Pair> to_previous(const std::vector<Vector>& vectors) {
    std::vector<Pair> pairs;
    for (const Vector v : vectors) pairs.push_back({v, {77, 78}});
    return pairs;
}

bool are_equal(const std::vector<Pair>& a, const std::vector<Pair>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Pair& x, const Pair& y) {
        return x.previous == y.previous && x.key == y.key;
    });
}

// An I-frame, the P-frame four frames behind it, and the B-frames between them: in the order in
// which they are coded, of the times 0, 4, 2, 1, 3.
struct CodedRun {
    std::vector<Bytes> payloads;
    std::vector<frame::Reference> references;
};

frame::Reference reference_of(std::size_t number, const std::vector<frame::Reference>& done) {
    switch (number) {
        case 1:
            return done[0];
        case 2:
            return frame::between(done[0], done[1], 2, 2, true);
        case 3:
            return frame::between(done[0], done[2], 1, 1, true);
        default:
            return frame::between(done[2], done[1], 1, 1, false);
    }
}

CodedRun encode(frame::Preset preset, const frame::Job& job) {
    CodedRun run;
    for (const std::int32_t time : {0, 4, 2, 1, 3}) {
        Pixels source = picture(kSize, time);
        const std::size_t number = run.payloads.size();
        const frame::Coded coded =
            number == 0 ? frames().intra->encode(source.planes(), 40, job)
                        : frames().inter->encode(source.planes(), 40,
                                                 reference_of(number, run.references), preset, job);
        run.payloads.push_back(coded.payload);
        run.references.push_back(coded.reference);
    }
    return run;
}

std::vector<frame::Reference> decode(const std::vector<Bytes>& payloads, const frame::Job& job) {
    std::vector<frame::Reference> done;
    for (const Bytes& payload : payloads) {
        done.push_back(done.empty() ? frames().intra->decode(view(payload), kSize, job)
                                    : frames().inter->decode(view(payload), kSize,
                                                             reference_of(done.size(), done), job));
    }
    return done;
}

bool show_the_same(const std::vector<frame::Reference>& a, const std::vector<frame::Reference>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const frame::Reference& x, const frame::Reference& y) {
                          return pixels_of(x).bytes == pixels_of(y).bytes;
                      });
}

}  // namespace

TEST(motion_of_b_frames_is_a_share_of_the_motion_of_the_frame_behind) {
    const frame::Reference key = i_frame(kOne);
    const frame::Reference p =
        p_frame(key, to_previous({{3, -3}, {2, -2}, {1, -1}, {kVectorLimit, -kVectorLimit}}), 0);
    const MotionField quarter = frame::between(key, p, 1, 3, true).field();
    CHECK(are_equal(quarter.blocks, {{{1, -1}, {-3, 3}},
                                     {{1, 0}, {-2, 2}},
                                     {{0, 0}, {-1, 1}},
                                     {{256, -256}, {-kVectorLimit, kVectorLimit}}}));
    CHECK(quarter.modes == Bytes{kAverage} && quarter.filters == Bytes{0});
    const MotionField most = frame::between(key, p, 8, 1, true).field();
    CHECK(are_equal(most.blocks, {{{3, -3}, {-3, 3}},
                                  {{2, -2}, {-2, 2}},
                                  {{1, -1}, {-1, 1}},
                                  {{909, -909}, {-kVectorLimit, kVectorLimit}}}));
}

TEST(motion_of_b_frames_is_a_share_of_the_motion_of_a_b_frame_before) {
    const frame::Reference key = i_frame(kOne);
    const frame::Reference future = p_frame(key, to_previous({{}, {}, {}, {}}), 0);
    const frame::Reference past = p_frame(
        key, {{{9, 9}, {-3, 3}}, {{9, 9}, {-2, 2}}, {{9, 9}, {1, -1}}, {{9, 9}, {0, 1000}}}, 0);
    const MotionField half = frame::between(past, future, 1, 1, false).field();
    CHECK(are_equal(
        half.blocks,
        {{{2, -1}, {-3, 3}}, {{1, -1}, {-2, 2}}, {{0, 1}, {1, -1}}, {{0, -500}, {0, 1000}}}));
}

TEST(b_frames_expect_what_both_references_have) {
    const frame::Reference key = i_frame(kOne);
    const auto blocks = to_previous({{}, {}, {}, {}});
    const frame::Reference past = p_frame(key, blocks, 5), future = p_frame(key, blocks, 200);
    const frame::Reference two = frame::between(past, future, 1, 2, true);
    CHECK(!two.is_key() && two.frame == past.frame && two.key == key.frame);
    CHECK(&two.second() == future.frame.get());
    CHECK(two.magnitudes()[0] == 5 && two.magnitudes()[50] == 55);
    CHECK(two.magnitudes()[100] == 44);  // of 105 and of 300 - 256
    CHECK(two.row_sums(0)[0] == 2 + 100 && two.row_sums(0)[1] == 3 + 100);
    const auto last = static_cast<std::int32_t>(2 * frame::kRowSums) - 1;
    CHECK(two.row_sums(1).back() == (last + 5) / 2 + (last + 200) / 2);

    const frame::Reference first = frame::between(key, future, 1, 2, true);
    CHECK(!first.is_key());
    CHECK(first.magnitudes() == Bytes(kOne.latent()));
    for (const std::size_t step : {0u, 1u}) CHECK(first.row_sums(step) == frame::RowSums{});
}

TEST(frames_that_a_b_frame_cannot_lie_between_are_refused) {
    const frame::Reference key = i_frame(kOne), wider = i_frame({16, 18});
    const auto blocks = to_previous({{}, {}, {}, {}});
    const frame::Reference past = p_frame(key, blocks, 0), future = p_frame(key, blocks, 0);
    const frame::Reference two = frame::between(past, future, 1, 1, true);
    CHECK_THROWS(BadArgument, frame::between(past, past, 1, 1, true));
    CHECK_THROWS(BadArgument, frame::between(past, key, 1, 1, true));
    CHECK_THROWS(BadArgument, frame::between(wider, future, 1, 1, true));
    CHECK_THROWS(BadArgument, frame::between({}, future, 1, 1, true));
    CHECK_THROWS(BadArgument, frame::between(past, {}, 1, 1, true));
    CHECK_THROWS(BadArgument, frame::between(two, future, 1, 1, true));
    CHECK_THROWS(BadArgument, frame::between(past, two, 1, 1, true));
    CHECK_THROWS(BadArgument, frame::between(key, future, 1, 1, false));
    for (const std::int32_t distance : {-1, 0, 9}) {
        CHECK_THROWS(BadArgument, frame::between(past, future, distance, 1, true));
        CHECK_THROWS(BadArgument, frame::between(past, future, 1, distance, true));
    }
}

TEST(b_frames_are_the_same_everywhere) {
    for (const frame::Preset preset :
         {frame::Preset::fast, frame::Preset::medium, frame::Preset::slow}) {
        const CodedRun expected = encode(preset, {1, InstructionSet::scalar});
        for (const InstructionSet set : available_instruction_sets()) {
            for (const std::size_t threads : {1, 3}) {
                const CodedRun found = encode(preset, {threads, set});
                CHECK(found.payloads == expected.payloads);
                CHECK(show_the_same(found.references, expected.references));
                CHECK(
                    show_the_same(decode(expected.payloads, {threads, set}), expected.references));
            }
        }
    }
}

TEST(b_frames_are_predicted_from_the_frame_behind) {
    const frame::Job job{1, available_instruction_sets().back()};
    const CodedRun run = encode(frame::Preset::medium, job);
    for (const std::size_t like : {0u, 1u}) {
        Pixels source = pixels_of(run.references[like]);
        const auto coded = frames().inter->encode(
            source.planes(), 40, reference_of(2, run.references), frame::Preset::medium, job);
        const Bytes& modes = coded.reference.frame->field.modes;
        const MotionMode mode = like == 0 ? kFromPrevious : kFromKey;
        CHECK(std::count(modes.begin(), modes.end(), mode) > static_cast<long>(modes.size() / 2));
        CHECK(coded.reference.key == run.references[0].frame && !coded.reference.span);
    }
}

TEST(damaged_b_frames_are_refused_or_decode_to_something) {
    std::mt19937 random(1);
    const frame::Job job{1, available_instruction_sets().back()};
    const CodedRun run = encode(frame::Preset::fast, job);
    for (std::size_t number = 2; number < 5; ++number) {
        const frame::Reference two = reference_of(number, run.references);
        for (int round = 0; round < 100; ++round) {
            Bytes payload = run.payloads[number];
            payload[random() % payload.size()] = static_cast<std::uint8_t>(random());
            if (round % 3 == 0) payload.resize(random() % payload.size());
            try {
                frames().inter->decode(view(payload), kSize, two, job);
            } catch (const CorruptStream&) {
            }
        }
    }
}
