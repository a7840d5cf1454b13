#include "frame/intra.hpp"

#include <algorithm>

#include "error.hpp"
#include "frame/bands.hpp"
#include "frame/port.hpp"

namespace streamcodec::frame {

// Where a frame is coded.
struct IntraWork {
    explicit IntraWork(const engine::Network& network) : maps(network) {}

    engine::Workspace maps;
    Geometry size;
    Picture current;
    std::vector<std::int16_t> transform, coefficients, means;  // (h8, w8, 96); means of a grid
    std::vector<std::uint16_t> rows, z_rows;                   // of a grid
    std::vector<std::int32_t> symbols, z;
};

namespace {

constexpr Parity kGrids[4] = {{0, 0}, {1, 1}, {0, 1}, {1, 0}};
constexpr std::int32_t kMaxMean = 8191;     // 1/32 step
constexpr std::int32_t kMaxContext = 8191;  // 1/32 step

std::vector<std::size_t> checked_channels(View<const std::int32_t> channels) {
    if (channels.size == 0 || channels.size > kChannels) {
        throw BadArgument("linear_channels are " + std::to_string(channels.size) + "; accepted: 1..96");
    }
    std::vector<std::size_t> checked;
    std::int32_t last = -1;
    for (const std::int32_t channel : channels) {
        if (channel <= last || channel >= static_cast<std::int32_t>(kChannels)) {
            throw BadArgument("linear_channels has " + std::to_string(channel) + " after " + std::to_string(last) +
                              "; accepted: 0..95, rising");
        }
        checked.push_back(static_cast<std::size_t>(channel));
        last = channel;
    }
    return checked;
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

// LOG[|u| / 2]
std::int16_t log_of(const std::int16_t* log, std::int32_t u) {
    return log[std::min((u < 0 ? -u : u) >> 1, kLogEntries - 1)];
}

class IntraRun {
  public:
    IntraRun(const IntraModel& model, const IntraModel::Places& places, IntraWork& work, std::int32_t quality,
             const Job& job, Team& team)
        : model_(model), places_(places), work_(work), size_(work.size), quality_(quality), job_(job),
          kernels_(kernels_for(job.set)), team_(team), state_(take_state(*model.states, size_)) {}

    Latent analyse();
    void analyse_hyper(const Latent& latent);
    void expand();
    void code_symbols(SymbolPort& port);
    Reference reconstruct();

  private:
    const engine::Map& map(std::size_t slot) const { return work_.maps.map(slot); }
    void run(std::size_t stage, const char* name) {
        model_.network->run(stage, condition_of(quality_), work_.maps, team_, job_.set);
        job_.spent(name);
    }
    void take_rows(std::size_t y);
    void settle(Parity parity, std::size_t row);
    void describe(const std::int32_t* u, std::int16_t* context) const;

    const IntraModel& model_;
    const IntraModel::Places& places_;
    IntraWork& work_;
    const Geometry size_;
    const std::int32_t quality_;
    const Job job_;
    const Kernels& kernels_;
    Team& team_;
    std::shared_ptr<FrameState> state_;
};

// What is to be coded of work_.current.
Latent IntraRun::analyse() {
    const auto cells_of_row = static_cast<std::size_t>(size_.quarter().width);
    const engine::Map& analysis_in = map(places_.analysis_in);
    for_rows(team_, size_.rows8(), [&](std::size_t y) {
        for (const std::size_t row : {2 * y, 2 * y + 1}) {
            kernels_.pack(pixels_at(work_.current, row), cells_of_row, cells_at(analysis_in, row));
        }
        kernels_.forward(const_cells(cells_at(analysis_in, 2 * y)), size_.columns8(),
                         &work_.transform[y * size_.columns8() * kChannels]);
    });
    job_.spent("transform");
    run(places_.analysis, "analysis");
    return {work_.transform.data(), map(places_.analysis_out)};
}

// Fills work_.z.
void IntraRun::analyse_hyper(const Latent& latent) {
    const engine::Map& hyper_in = map(places_.hyper_in);
    for_rows(team_, size_.rows8(), [&](std::size_t y) {
        for (std::size_t x = 0; x < size_.columns8(); ++x) {
            std::int32_t values[kChannels];
            kernels_.scale_down(latent.transform_at(y, x), latent.analysis_at(y, x), model_.gain(quality_), values);
            std::int16_t* const out = hyper_in.at(static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
            for (std::size_t i = 0; i < kChannels; ++i) {
                const std::int32_t u = (values[i] + 4) >> 3;
                const std::int16_t magnitude = log_of(model_.log(), u);
                out[i] = static_cast<std::int16_t>(u < 0 ? -magnitude : magnitude);
            }
        }
    });
    job_.spent("describe");
    run(places_.hyper_analysis, "hyper_analysis");
    const engine::Map& z = map(places_.z_out);
    const std::int32_t limit = model_.network->slots()[places_.z].max_abs;
    std::int32_t* to = work_.z.data();
    for (std::int32_t y = 0; y < z.height; ++y) {
        for (std::int32_t x = 0; x < z.width; ++x) {
            for (std::int32_t c = 0; c < z.channels; ++c) {
                *to++ = std::clamp<std::int32_t>(z.at(y, x)[c], -limit, limit);
            }
        }
    }
}

// From work_.z to the slot `hyper`. Throws CorruptStream for a z that is too large.
void IntraRun::expand() {
    const engine::Map& z = map(places_.z);
    const std::int32_t limit = model_.network->slots()[places_.z].max_abs;
    const std::int32_t* from = work_.z.data();
    for (std::int32_t y = 0; y < z.height; ++y) {
        for (std::int32_t x = 0; x < z.width; ++x) {
            for (std::int32_t c = 0; c < z.channels; ++c, ++from) {
                if (*from < -limit || *from > limit) throw CorruptStream("the frame is damaged: a z is too large");
                z.at(y, x)[c] = static_cast<std::int16_t>(*from);
            }
        }
    }
    job_.spent("z");
    run(places_.hyper, "hyper");
}

void IntraRun::code_symbols(SymbolPort& port) {
    const std::size_t rows = size_.rows8() / 2;
    work_.maps.clear(places_.context);
    for (std::size_t step = 0; step < 4; ++step) {
        run(places_.indexes[step], "indexes");
        for_rows(team_, rows, [&](std::size_t row) { take_rows(row); });
        job_.spent("rows");
        port.code({{kGrids[step]}, {work_.rows.data(), work_.rows.size()}, work_.means.data()}, work_.symbols.data());
        job_.spent("symbols");
        for_rows(team_, rows, [&](std::size_t row) { settle(kGrids[step], row); });
        job_.spent("settle");
    }
}

// Row y of the means and table rows that the network gave.
void IntraRun::take_rows(std::size_t y) {
    const engine::Map& found = map(places_.rows);
    const auto columns = static_cast<std::size_t>(found.width);
    const CellRow from = cells_at(found, y);
    for (std::size_t x = 0; x < columns; ++x) {
        const std::int16_t* const in = from.data + static_cast<std::ptrdiff_t>(x) * from.pixel;
        const std::size_t at = (y * columns + x) * kChannels;
        for (std::size_t i = 0; i < kChannels; ++i) {
            work_.means[at + i] = static_cast<std::int16_t>(std::clamp<std::int32_t>(in[i], -kMaxMean, kMaxMean));
        }
        kernels_.limit_rows(in + kChannels, kChannels, &work_.rows[at]);
    }
}

// What follows from the symbols of a row of a grid: coefficients and context.
void IntraRun::settle(Parity parity, std::size_t row) {
    const engine::Map &context = map(places_.context), &coefficients = map(places_.coefficients);
    for_positions(size_, parity, row, [&](std::size_t position, std::size_t y, std::size_t x) {
        const std::size_t at = position * kChannels;
        const auto place_y = static_cast<std::ptrdiff_t>(y), place_x = static_cast<std::ptrdiff_t>(x);
        std::int32_t u[kChannels];
        std::int16_t* const dense = &work_.coefficients[(y * size_.columns8() + x) * kChannels];
        kernels_.scale_intra(&work_.symbols[at], &work_.means[at], model_.step(quality_), u, dense);
        std::copy_n(dense, kChannels, coefficients.at(place_y, place_x));
        describe(u, context.at(place_y, place_x));
    });
}

void IntraRun::describe(const std::int32_t* u, std::int16_t* context) const {
    for (std::size_t i = 0; i < kChannels; ++i) {
        const std::int16_t magnitude = log_of(model_.log(), u[i]);
        context[i] = static_cast<std::int16_t>(u[i] < 0 ? -magnitude : magnitude);
        context[kChannels + i] = magnitude;
    }
    context += 2 * kChannels;
    for (const std::size_t channel : model_.linear_channels()) {
        *context++ = static_cast<std::int16_t>(std::clamp(u[channel], -kMaxContext, kMaxContext));
    }
}

Reference IntraRun::reconstruct() {
    const auto cells_of_row = static_cast<std::size_t>(size_.quarter().width);
    const engine::Map& residual = map(places_.residual);
    for_rows(team_, size_.rows8(), [&](std::size_t y) {
        kernels_.inverse(&work_.coefficients[y * size_.columns8() * kChannels], size_.columns8(),
                         cells_at(residual, 2 * y));
    });
    job_.spent("inverse");
    run(places_.synthesis, "synthesis");
    const engine::Map& found = map(places_.synthesis_out);
    for_rows(team_, 2 * size_.rows8(), [&](std::size_t y) {
        kernels_.unpack(const_cells(cells_at(found, y)), {nullptr, 0, 0}, cells_of_row,
                        pixels_at(state_->picture, y));
    });
    extend(state_->picture, team_);
    job_.spent("unpack");
    return {size_, state_, state_};
}

}  // namespace

IntraModel::IntraModel(const ModelArrays& arrays, View<const std::int32_t> linear_channels)
    : Model(arrays, kMaxStepIntra, wanted_slots(linear_channels.size)),
      linear_(checked_channels(linear_channels)),
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
      works_(std::make_shared<Pool<IntraWork>>()) {
    const auto& slots = network->slots();
    const std::size_t channels = static_cast<std::size_t>(slots[places_.z].channels);
    if (slots[places_.z_out].channels != slots[places_.z].channels || tables->rows().size != kScaleRows + channels) {
        throw BadArgument("z has " + std::to_string(channels) + " channels, z_out " +
                          std::to_string(slots[places_.z_out].channels) + ", the tables have " +
                          std::to_string(tables->rows().size) + " rows; accepted: as many channels, and 64 rows more");
    }
}

std::shared_ptr<IntraWork> IntraModel::work_for(const Geometry& size, const Job& job) const {
    check_size(size);
    check_job(job);
    std::shared_ptr<IntraWork> work = works_->take([this] { return std::make_unique<IntraWork>(*network); });
    if (work->size != size || !work->maps.has_sizes()) {
        work->size = {};
        resize(work->maps, size);
        work->current = Picture(size.padded_height(), size.padded_width());
        work->transform.resize(size.latent());
        work->coefficients.resize(size.latent());
        work->means.resize(size.grid());
        work->rows.resize(size.grid());
        work->symbols.resize(size.grid());
        const engine::Map& z = work->maps.map(places_.z);
        work->z.resize(static_cast<std::size_t>(z.height * z.width * z.channels));
        work->z_rows.resize(work->z.size());
        for (std::size_t i = 0; i < work->z.size(); ++i) {
            const std::size_t channel = i % static_cast<std::size_t>(z.channels);
            work->z_rows[i] = static_cast<std::uint16_t>(static_cast<std::size_t>(kScaleRows) + channel);
        }
        work->size = size;
    }
    return work;
}

Coded IntraModel::encode(const Planes& planes, std::int32_t quality, const Job& job) const {
    check_quality(quality);
    const std::shared_ptr<IntraWork> work = work_for(planes.size, job);
    Team team(job.threads);
    fill(work->current, planes);
    job.spent("start");
    IntraRun run(*this, places_, *work, quality, job, team);
    const Latent latent = run.analyse();
    run.analyse_hyper(latent);

    Encoder encoder(tables, job.set);
    encoder.put({work->z.data(), work->z.size()}, {work->z_rows.data(), work->z_rows.size()});
    run.expand();
    EncoderPort port(encoder, *this, kernels_for(job.set), planes.size, quality, latent, team);
    run.code_symbols(port);
    std::vector<std::uint8_t> payload = with_head(quality, encoder.finish());
    job.spent("finish");
    return {std::move(payload), run.reconstruct()};
}

Reference IntraModel::decode(View<const std::uint8_t> payload, const Geometry& size, const Job& job) const {
    const std::shared_ptr<IntraWork> work = work_for(size, job);
    const std::int32_t quality = read_head(payload);
    Team team(job.threads);
    Decoder decoder(tables, payload.from(kHeadSize), job.set);
    job.spent("start");
    decoder.get({work->z_rows.data(), work->z_rows.size()}, work->z.data());
    IntraRun run(*this, places_, *work, quality, job, team);
    run.expand();
    DecoderPort port(decoder, kernels_for(job.set));
    run.code_symbols(port);
    decoder.finish();
    return run.reconstruct();
}

}  // namespace streamcodec::frame
