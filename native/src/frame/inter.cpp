#include "frame/inter.hpp"

#include <algorithm>

#include "frame/inter_run.hpp"
#include "platform/error.hpp"

namespace streamcodec::frame {

namespace {

constexpr int kFirstMotionRow = kScaleRows;
constexpr std::size_t kSteps = 2;

std::vector<Wanted> wanted_slots() {
    return {{"features_in", 2 * kChannels, Grid::eighth, kMaxLog, true},
            {"features", 0, Grid::eighth, 0, false},
            {"context", kChannels, Grid::eighth, kMaxLog, true},
            {"rows", kChannels, Grid::sixteenth, 0, false},
            {"synthesis_in", 2 * kCellChannels, Grid::quarter, kResidualLimit, true},
            {"synthesis_out", kCellChannels, Grid::quarter, 0, false},
            {"analysis_in", 2 * kCellChannels, Grid::quarter, 255, true},
            {"analysis_out", kChannels, Grid::eighth, 0, false}};
}

std::vector<std::int32_t> checked_motion_lambda(View<const std::int32_t> lambda) {
    const bool fits = lambda.size == kQualities &&
                      std::all_of(lambda.begin(), lambda.end(),
                                  [](std::int32_t x) { return x >= 1 && x <= 1 << 24; });
    if (!fits) throw BadArgument("motion_lambda is not accepted: it must be 64 numbers in 1..2^24");
    return {lambda.begin(), lambda.end()};
}

void check_reference(const Geometry& size, const Reference& reference) {
    if (reference.frame == nullptr || reference.size != size) {
        throw BadArgument("the reference has " + std::to_string(reference.size.height) + "x" +
                          std::to_string(reference.size.width) +
                          " pixels; accepted: " + std::to_string(size.height) + "x" +
                          std::to_string(size.width) + ", as the frame");
    }
}

MotionContext motion_context(const Reference& reference, std::int32_t quality) {
    return {reference.is_key() ? nullptr : &reference.field(), !reference.is_key(), quality};
}

}  // namespace

Preset preset_named(const std::string& name) {
    if (name == "fast") return Preset::fast;
    if (name == "medium") return Preset::medium;
    if (name == "slow") return Preset::slow;
    throw BadArgument("preset is '" + name + "'; accepted: fast, medium, slow");
}

InterModel::InterModel(const ModelArrays& arrays, View<const std::int32_t> motion_lambda,
                       View<const std::int32_t> hadamard)
    : Model(arrays, kMaxStepInter, wanted_slots()),
      motion_lambda_(checked_motion_lambda(motion_lambda)),
      motion_costs_(*tables, kFirstMotionRow),
      hadamard_(checked_channels(hadamard, "hadamard")),
      places_{
          slot("features_in"),
          slot("context"),
          slot("rows"),
          slot("synthesis_in"),
          slot("synthesis_out"),
          slot("analysis_in"),
          slot("analysis_out"),
          stage("features"),
          {stage("indexes_a00"), stage("indexes_a11"), stage("indexes_b01"), stage("indexes_b10")},
          {mixed_stage("hadamard_a00"), mixed_stage("hadamard_a11"), mixed_stage("hadamard_b01"),
           mixed_stage("hadamard_b10")},
          stage("synthesis"),
          stage("analysis")},
      works_{std::make_shared<Pool<InterWork>>(), std::make_shared<Pool<InterWork>>()} {
    for (const bool is_encoder : {false, true}) check_schedule(schedule(is_encoder));
    if (tables->rows().size < kScaleRows * costs.size() + kMotionRows) {
        throw BadArgument("tables have " + std::to_string(tables->rows().size) +
                          " rows; accepted: 64 for each set, and those of motion");
    }
}

std::size_t InterModel::mixed_stage(const char* name) const {
    return hadamard_.empty() ? 0 : stage(name);
}

// What happens to the maps and arrays of a frame, in the order of InterRun.
engine::Schedule InterModel::schedule(bool is_encoder) const {
    engine::Schedule all{{{}, {places_.features_in, places_.synthesis_in}, {InterWork::kTransform}},
                         {places_.features, {}, {}}};
    if (is_encoder) {
        all.push_back({{}, {places_.analysis_in}, {InterWork::kTransform}});
        all.push_back({places_.analysis, {}, {}});
    }
    for (const std::size_t step : {0u, 1u}) {
        for (const std::size_t grid : {0u, 1u}) {
            all.push_back({places_.indexes[2 * step + grid], {}, {}});
            if (!hadamard_.empty()) all.push_back({places_.hadamard[2 * step + grid], {}, {}});
            all.push_back({{}, {places_.rows}, {InterWork::kGivenRows, InterWork::kRows}});
        }
        all.push_back({{}, {}, {InterWork::kRows, InterWork::kSymbols}});
        if (is_encoder) {
            all.back().slots.push_back(places_.analysis_out);
            all.back().arrays.push_back(InterWork::kTransform);
        }
        all.push_back({{}, {places_.context}, {InterWork::kSymbols, InterWork::kCoefficients}});
        all.push_back({{}, {}, {InterWork::kGivenRows, InterWork::kSymbols}});
    }
    all.push_back({{}, {places_.synthesis_in}, {InterWork::kCoefficients}});
    all.push_back({places_.synthesis, {}, {}});
    all.push_back({{}, {places_.synthesis_in, places_.synthesis_out}, {}});
    return all;
}

std::shared_ptr<InterWork> InterModel::work_for(const Geometry& size, const Reference& reference,
                                                const Job& job, bool is_encoder) const {
    check_size(size);
    check_job(job);
    check_reference(size, reference);
    return take_work(*this, *works_[is_encoder], size, [&](InterWork& work) {
        resize(work.maps, size, schedule(is_encoder),
               {size.latent() * sizeof(std::int16_t), 2 * size.grid(),
                2 * size.grid() * sizeof(std::uint16_t), 2 * size.grid() * sizeof(std::int32_t),
                size.latent() * sizeof(std::int16_t)});
        if (is_encoder) work.current = Picture(size.padded_height(), size.padded_width());
        work.prediction = Picture(size.padded_height(), size.padded_width());
    });
}

Coded InterModel::encode(const Planes& planes, std::int32_t quality, const Reference& reference,
                         Preset preset, const Job& job, std::optional<bool> hadamard) const {
    check_quality(quality);
    if (hadamard_.empty()) {
        if (hadamard.value_or(false)) {
            throw BadArgument("hadamard is wanted; the weights have no channels for it");
        }
        hadamard = false;
    }
    const std::shared_ptr<InterWork> work = work_for(planes.size, reference, job, true);
    Team team(job.threads);
    fill(work->current, planes);
    const MotionContext context = motion_context(reference, quality);
    SearchOptions options{
        preset == Preset::fast ? SearchPreset::fast : SearchPreset::medium,
        static_cast<std::uint32_t>(motion_lambda_[static_cast<std::size_t>(quality)]), job.set,
        &team, reference.span != nullptr};
    job.spent("start");
    MotionField field =
        search_motion(work->current.luma, reference.frame->picture.luma,
                      &reference.second().picture.luma, context, motion_costs_, options);

    job.spent("search");
    Encoder encoder(tables, job.set);
    EncoderSink sink(encoder, kFirstMotionRow);
    write_motion(field, context, sink);
    sink.flush();
    job.spent("motion");
    const auto code = [&](InterRun& run, Encoder* to, const Latent& latent,
                          std::vector<RowCounts>* counts) {
        const Latent wanted = run.mixed(latent, hadamard);
        EncoderPort port(to, *this, kernels_for(job.set), planes.size, quality, wanted, team,
                         counts);
        run.code_symbols(port, *hadamard);
        return port.sets();
    };
    if (preset == Preset::slow) {
        InterRun draft(*this, places_, *work, quality, reference, job, team);
        draft.predict(MotionField(field));
        code(draft, nullptr, draft.keep(draft.analyse()), nullptr);
        draft.refine();
    }
    InterRun run(*this, places_, *work, quality, reference, job, team);
    run.predict(std::move(field));
    const std::uint8_t sets =
        code(run, &encoder, preset == Preset::slow ? run.kept() : run.analyse(), job.counts);
    std::vector<std::uint8_t> payload = with_head({quality, sets, *hadamard}, encoder.finish());
    job.spent("finish");
    return {std::move(payload), run.reconstruct()};
}

Reference InterModel::decode(View<const std::uint8_t> payload, const Geometry& size,
                             const Reference& reference, const Job& job) const {
    const auto [quality, sets, hadamard] =
        read_head(payload, kSteps, costs.size(), !hadamard_.empty());
    const std::shared_ptr<InterWork> work = work_for(size, reference, job, false);
    Team team(job.threads);
    Decoder decoder(tables, payload.from(kHeadSize), job.set);
    DecoderSource source(decoder, kFirstMotionRow);
    const int rows = size.padded_height() / kMacroblock,
              columns = size.padded_width() / kMacroblock;
    job.spent("start");
    MotionField field = read_motion(rows, columns, motion_context(reference, quality), source);
    job.spent("motion");

    InterRun run(*this, places_, *work, quality, reference, job, team);
    run.predict(std::move(field));
    DecoderPort port(decoder, *this, kernels_for(job.set), sets);
    run.code_symbols(port, hadamard);
    decoder.finish();
    return run.reconstruct();
}

}  // namespace streamcodec::frame
