#include "frame/intra.hpp"

#include <algorithm>

#include "frame/intra_run.hpp"
#include "platform/error.hpp"

namespace streamcodec::frame {

namespace {

constexpr std::size_t kSteps = 4;

std::vector<std::size_t> checked_linear(View<const std::int32_t> channels) {
    if (channels.size == 0) throw BadArgument("linear_channels are 0; accepted: 1..96");
    return checked_channels(channels, "linear_channels");
}

std::vector<Wanted> wanted_slots(std::size_t linear) {
    const auto context = static_cast<std::int32_t>(2 * kChannels + linear);
    return {{"z", 0, Grid::z, 0, true},
            {"hyper_half", 0, Grid::sixteenth, 0, true},
            {"hyper", 0, Grid::eighth, 0, true},
            {"context", context, Grid::eighth, kMaxContext, true},
            {"rows", 2 * kChannels, Grid::sixteenth, 0, false},
            {"residual", kCellChannels, Grid::quarter, kResidualLimit, true},
            {"coefficients", kChannels, Grid::eighth, kResidualLimit, true},
            {"synthesis_out", kCellChannels, Grid::quarter, 0, false},
            {"analysis_in", kCellChannels, Grid::quarter, 128, true},
            {"analysis_out", kChannels, Grid::eighth, 0, false},
            {"hyper_in", kChannels, Grid::eighth, kMaxLog, true},
            {"z_out", 0, Grid::z, 0, false}};
}

}  // namespace

IntraModel::IntraModel(const ModelArrays& arrays, View<const std::int32_t> linear_channels)
    : Model(arrays, kMaxStepIntra, wanted_slots(linear_channels.size)),
      linear_(checked_linear(linear_channels)),
      places_{slot("z"),
              slot("hyper"),
              slot("context"),
              slot("rows"),
              slot("residual"),
              slot("coefficients"),
              slot("synthesis_out"),
              slot("analysis_in"),
              slot("analysis_out"),
              slot("hyper_in"),
              slot("z_out"),
              stage("hyper"),
              {stage("indexes_0"), stage("indexes_1"), stage("indexes_2"), stage("indexes_3")},
              stage("synthesis"),
              stage("analysis"),
              stage("hyper_analysis")},
      works_{std::make_shared<Pool<IntraWork>>(), std::make_shared<Pool<IntraWork>>()} {
    for (const bool is_encoder : {false, true}) check_schedule(schedule(is_encoder));
    const auto& slots = network->slots();
    const std::size_t channels = static_cast<std::size_t>(slots[places_.z].channels);
    if (slots[places_.z_out].channels != slots[places_.z].channels ||
        tables->rows().size != kScaleRows * costs.size() + channels) {
        throw BadArgument("z has " + std::to_string(channels) + " channels, z_out " +
                          std::to_string(slots[places_.z_out].channels) + ", the tables have " +
                          std::to_string(tables->rows().size) +
                          " rows; accepted: as many channels, and 64 rows for each set more");
    }
}

// What happens to the maps and arrays of a frame, in the order of IntraRun.
engine::Schedule IntraModel::schedule(bool is_encoder) const {
    engine::Schedule all;
    if (is_encoder) {
        all = {{{}, {places_.analysis_in}, {IntraWork::kTransform}},
               {places_.analysis, {}, {}},
               {{}, {places_.analysis_out, places_.hyper_in}, {IntraWork::kTransform}},
               {places_.hyper_analysis, {}, {}},
               {{}, {places_.z_out}, {}}};
    }
    all.push_back({{}, {places_.z}, {}});
    all.push_back({places_.hyper, {}, {}});
    all.push_back({{}, {places_.context}, {}});
    for (const std::size_t stage : places_.indexes) {
        all.push_back({stage, {}, {}});
        all.push_back(
            {{}, {places_.rows}, {IntraWork::kMeans, IntraWork::kGivenRows, IntraWork::kRows}});
        all.push_back({{}, {}, {IntraWork::kMeans, IntraWork::kRows, IntraWork::kSymbols}});
        if (is_encoder) {
            all.back().slots.push_back(places_.analysis_out);
            all.back().arrays.push_back(IntraWork::kTransform);
        }
        all.push_back({{},
                       {places_.context, places_.coefficients},
                       {IntraWork::kMeans, IntraWork::kSymbols}});
        all.push_back({{}, {}, {IntraWork::kGivenRows, IntraWork::kSymbols}});
    }
    all.push_back({{}, {places_.coefficients, places_.residual}, {}});
    all.push_back({places_.synthesis, {}, {}});
    all.push_back({{}, {places_.synthesis_out}, {}});
    return all;
}

std::shared_ptr<IntraWork> IntraModel::work_for(const Geometry& size, const Job& job,
                                                bool is_encoder) const {
    check_size(size);
    check_job(job);
    return take_work(*this, *works_[is_encoder], size, [&](IntraWork& work) {
        resize(
            work.maps, size, schedule(is_encoder),
            {size.latent() * sizeof(std::int16_t), size.grid(), size.grid() * sizeof(std::uint16_t),
             size.grid() * sizeof(std::int32_t), size.grid() * sizeof(std::int16_t)});
        if (is_encoder) work.current = Picture(size.padded_height(), size.padded_width());
        const engine::Map& z = work.maps.map(places_.z);
        work.z.resize(static_cast<std::size_t>(z.height * z.width * z.channels));
        work.z_rows.resize(work.z.size());
        for (std::size_t i = 0; i < work.z.size(); ++i) {
            const std::size_t channel = i % static_cast<std::size_t>(z.channels);
            work.z_rows[i] =
                static_cast<std::uint16_t>(static_cast<std::size_t>(kScaleRows) + channel);
        }
    });
}

Coded IntraModel::encode(const Planes& planes, std::int32_t quality, const Job& job) const {
    check_quality(quality);
    const std::shared_ptr<IntraWork> work = work_for(planes.size, job, true);
    Team team(job.threads);
    fill(work->current, planes);
    job.spent("start");
    IntraRun run(*this, places_, *work, quality, job, team);
    const Latent latent = run.analyse();
    run.analyse_hyper(latent);

    Encoder encoder(tables, job.set);
    encoder.put({work->z.data(), work->z.size()}, {work->z_rows.data(), work->z_rows.size()});
    run.expand();
    EncoderPort port(&encoder, *this, kernels_for(job.set), planes.size, quality, latent, team,
                     job.counts);
    run.code_symbols(port);
    std::vector<std::uint8_t> payload = with_head({quality, port.sets()}, encoder.finish());
    job.spent("finish");
    return {std::move(payload), run.reconstruct()};
}

Reference IntraModel::decode(View<const std::uint8_t> payload, const Geometry& size,
                             const Job& job) const {
    const auto [quality, sets, hadamard] = read_head(payload, kSteps, costs.size(), false);
    const std::shared_ptr<IntraWork> work = work_for(size, job, false);
    Team team(job.threads);
    Decoder decoder(tables, payload.from(kHeadSize), job.set);
    job.spent("start");
    decoder.get({work->z_rows.data(), work->z_rows.size()}, work->z.data());
    IntraRun run(*this, places_, *work, quality, job, team);
    run.expand();
    DecoderPort port(decoder, *this, kernels_for(job.set), sets);
    run.code_symbols(port);
    decoder.finish();
    return run.reconstruct();
}

}  // namespace streamcodec::frame
