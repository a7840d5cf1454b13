// What the targets decode with: made once, small, and the same in every run and in seeds.cpp.
#pragma once

#include "context_samples.hpp"
#include "frame_samples.hpp"

namespace fuzz {

constexpr std::size_t kTables = 12, kMostSymbols = 2 * 255;

// Of fuzz_coder.cpp: tables, and the row of each symbol.
struct CoderSample {
    std::shared_ptr<const samples::Tables> tables;
    std::vector<std::uint16_t> indexes;

    CoderSample() {
        std::mt19937 random(1);
        tables = samples::random_tables(random, kTables).tables();
        for (std::size_t i = 0; i < kMostSymbols; ++i)
            indexes.push_back(static_cast<std::uint16_t>(random() % kTables));
    }
};

// Of fuzz_context.cpp: a model and a latent in raster order, and in the checkerboard's.
struct ContextSample {
    std::shared_ptr<const samples::Tables> tables;
    std::vector<samples::ContextModel> models;
    std::vector<samples::Latent> latents;

    ContextSample() {
        std::mt19937 random(2);
        tables = samples::random_tables(random, kTables).tables();
        for (const auto schedule : {samples::Schedule::raster, samples::Schedule::checkerboard}) {
            const samples::ContextWidths widths{3, 10, 6, 7};
            models.push_back(samples::random_context(random, schedule, kTables, widths).model());
            latents.emplace_back(random, models.back(), 3, 4);
        }
    }
};

// Of fuzz_frame.cpp: an I-frame, two P-frames, and a B-frame between these; and the reference that
// each is coded with.
struct FrameSample {
    static constexpr streamcodec::frame::Geometry kSize{16, 16};
    samples::Frames frames = samples::read_frames(STREAMCODEC_TEST_DATA "/frames.bin");
    std::vector<samples::Bytes> payloads;
    std::vector<streamcodec::frame::Reference> references{{}};

    FrameSample() {
        const streamcodec::frame::Job job{1, streamcodec::InstructionSet::scalar};
        auto coded = frames.intra->encode(samples::picture(kSize, 0).planes(), 30, job);
        payloads.push_back(coded.payload);
        for (const std::int32_t time : {3, 6, 5}) {
            references.push_back(time == 5 ? streamcodec::frame::between(
                                                 references.back(), coded.reference, 2, 1, true)
                                           : coded.reference);
            coded = frames.inter->encode(samples::picture(kSize, time).planes(), 30,
                                         references.back(), streamcodec::frame::Preset::fast, job);
            payloads.push_back(coded.payload);
        }
    }
};

}  // namespace fuzz
