#include "frame/inter.hpp"

#include <algorithm>
#include <cstring>

#include "error.hpp"
#include "frame/bands.hpp"
#include "frame/port.hpp"
#include "motion/predict.hpp"

namespace streamcodec::frame {

// Where a frame is coded.
struct InterWork {
    explicit InterWork(const engine::Network& network) : maps(network) {}

    engine::Workspace maps;
    Geometry size;
    Picture current, prediction;
    std::vector<std::int16_t> transform, coefficients;  // (h8, w8, 96)
    std::vector<std::uint16_t> rows;                    // of the two grids of a step
    std::vector<std::int32_t> symbols;
};

namespace {

constexpr Parity kGrids[4] = {{0, 0}, {1, 1}, {0, 1}, {1, 0}};  // step A, then step B
constexpr int kFirstMotionRow = kScaleRows;

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
    const bool fits = lambda.size == kQualities && std::all_of(lambda.begin(), lambda.end(), [](std::int32_t x) {
                          return x >= 1 && x <= 1 << 24;
                      });
    if (!fits) throw BadArgument("motion_lambda is not accepted: it must be 64 numbers in 1..2^24");
    return {lambda.begin(), lambda.end()};
}

void check_reference(const Geometry& size, const Reference& reference) {
    if (reference.frame == nullptr || reference.size != size) {
        throw BadArgument("the reference has " + std::to_string(reference.size.height) + "x" +
                          std::to_string(reference.size.width) + " pixels; accepted: " + std::to_string(size.height) +
                          "x" + std::to_string(size.width) + ", as the frame");
    }
}

MotionContext motion_context(const Reference& reference, std::int32_t quality) {
    return {reference.is_key() ? nullptr : &reference.frame->field, !reference.is_key(), quality};
}

// One frame on its way, of which the motion field is known.
class InterRun {
  public:
    InterRun(const InterModel& model, const InterModel::Places& places, InterWork& work, std::int32_t quality,
             const Reference& reference, const Job& job, Team& team)
        : model_(model), places_(places), work_(work), size_(work.size), quality_(quality), reference_(reference),
          job_(job), kernels_(kernels_for(job.set)), team_(team), state_(take_state(*model.states, size_)) {
        state_->magnitudes.resize(size_.latent());
    }

    void predict(MotionField field);
    Latent analyse();
    void code_symbols(SymbolPort& port);
    Reference reconstruct();

  private:
    const engine::Map& map(std::size_t slot) const { return work_.maps.map(slot); }
    void run(std::size_t stage, const char* name) {
        model_.network->run(stage, condition_of(quality_), work_.maps, team_, job_.set);
        job_.spent(name);
    }
    void describe(std::size_t y);
    void take_rows(std::size_t stage, std::size_t grid);
    void settle(Parity parity, std::size_t row, const std::int32_t* symbols, bool is_context);

    const InterModel& model_;
    const InterModel::Places& places_;
    InterWork& work_;
    const Geometry size_;
    const std::int32_t quality_;
    const Reference& reference_;
    const Job job_;
    const Kernels& kernels_;
    Team& team_;
    std::shared_ptr<FrameState> state_;
};

void InterRun::predict(MotionField field) {
    state_->field = std::move(field);
    streamcodec::predict(state_->field, reference_.frame->picture, &reference_.key->picture, work_.prediction,
                         job_.set,
                         &team_);
    job_.spent("predict");
    for_rows(team_, size_.rows8(), [&](std::size_t y) { describe(y); });
    job_.spent("describe");
    run(places_.features, "features");
}

// Row y of the features: of the prediction, and of the symbols of the frame before.
void InterRun::describe(std::size_t y) {
    const auto cells_of_row = static_cast<std::size_t>(size_.quarter().width);
    const engine::Map& synthesis_in = map(places_.synthesis_in);
    for (const std::size_t row : {2 * y, 2 * y + 1}) {
        kernels_.pack(pixels_at(work_.prediction, row), cells_of_row, cells_at(synthesis_in, row, kCellChannels));
    }
    std::int16_t* const transform = &work_.transform[y * size_.columns8() * kChannels];
    kernels_.forward(const_cells(cells_at(synthesis_in, 2 * y, kCellChannels)), size_.columns8(), transform);
    const CellRow to = cells_at(map(places_.features_in), y);
    kernels_.log_scaled(transform, model_.gain(quality_), model_.log(), size_.columns8(), to);
    const std::uint8_t* from = &reference_.frame->magnitudes[y * size_.columns8() * kChannels];
    const std::int16_t* const log = model_.log_of_magnitude();
    for (std::size_t x = 0; x < size_.columns8(); ++x, from += kChannels) {
        std::int16_t* const out = to.data + static_cast<std::ptrdiff_t>(x) * to.pixel + kChannels;
        if (reference_.is_key()) {
            std::fill_n(out, kChannels, log[0]);
        } else {
            for (std::size_t i = 0; i < kChannels; ++i) out[i] = log[from[i]];
        }
    }
}

// What is to be coded of work_.current.
Latent InterRun::analyse() {
    const auto cells_of_row = static_cast<std::size_t>(size_.quarter().width);
    const engine::Map& analysis_in = map(places_.analysis_in);
    for_rows(team_, size_.rows8(), [&](std::size_t y) {
        for (const std::size_t row : {2 * y, 2 * y + 1}) {
            const PixelRow prediction = pixels_at(work_.prediction, row);
            kernels_.pack_difference(pixels_at(work_.current, row), prediction, cells_of_row,
                                     cells_at(analysis_in, row));
            kernels_.pack(prediction, cells_of_row, cells_at(analysis_in, row, kCellChannels));
        }
        kernels_.forward(const_cells(cells_at(analysis_in, 2 * y)), size_.columns8(),
                         &work_.transform[y * size_.columns8() * kChannels]);
    });
    job_.spent("transform");
    run(places_.analysis, "analysis");
    return {work_.transform.data(), map(places_.analysis_out)};
}

void InterRun::code_symbols(SymbolPort& port) {
    const std::size_t rows = size_.rows8() / 2;
    for (const std::size_t step : {0, 1}) {
        for (const std::size_t grid : {0, 1}) take_rows(places_.indexes[2 * step + grid], grid);
        const Parity *const grids = &kGrids[2 * step];
        port.code({{grids[0], grids[1]}, {work_.rows.data(), work_.rows.size()}, nullptr}, work_.symbols.data());
        job_.spent("symbols");
        for_rows(team_, 2 * rows, [&](std::size_t row) {
            settle(grids[row / rows], row % rows, &work_.symbols[row / rows * size_.grid()], step == 0);
        });
        job_.spent("settle");
    }
}

// Runs the network for a grid and notes the rows of its symbols.
void InterRun::take_rows(std::size_t stage, std::size_t grid) {
    run(stage, "indexes");
    const engine::Map& found = map(places_.rows);
    const auto columns = static_cast<std::size_t>(found.width);
    for_rows(team_, static_cast<std::size_t>(found.height), [&](std::size_t y) {
        std::uint16_t* to = &work_.rows[grid * size_.grid() + y * columns * kChannels];
        const CellRow from = cells_at(found, y);
        for (std::size_t x = 0; x < columns; ++x, to += kChannels) {
            kernels_.limit_rows(from.data + static_cast<std::ptrdiff_t>(x) * from.pixel, kChannels, to);
        }
    });
    job_.spent("rows");
}

// What follows from the symbols of a row of a grid: coefficients, magnitudes, and context for the second step.
void InterRun::settle(Parity parity, std::size_t row, const std::int32_t* symbols, bool is_context) {
    const engine::Map& context = map(places_.context);
    const std::int16_t* const log = model_.log_of_magnitude();
    for_positions(size_, parity, row, [&](std::size_t position, std::size_t y, std::size_t x) {
        const std::size_t at = (y * size_.columns8() + x) * kChannels;
        std::int16_t* const coefficients = &work_.coefficients[at];
        std::uint8_t* const magnitudes = &state_->magnitudes[at];
        const bool any =
            kernels_.scale_inter(symbols + position * kChannels, model_.step(quality_), coefficients, magnitudes);
        if (!any) {
            std::fill_n(coefficients, kChannels, std::int16_t{0});
            std::fill_n(magnitudes, kChannels, std::uint8_t{0});
        }
        if (!is_context) return;
        std::int16_t* const out = context.at(static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
        for (std::size_t i = 0; i < kChannels; ++i) out[i] = log[magnitudes[i]];
    });
}

Reference InterRun::reconstruct() {
    const auto cells_of_row = static_cast<std::size_t>(size_.quarter().width);
    const engine::Map& synthesis_in = map(places_.synthesis_in);
    for_rows(team_, size_.rows8(), [&](std::size_t y) {
        kernels_.inverse(&work_.coefficients[y * size_.columns8() * kChannels], size_.columns8(),
                         cells_at(synthesis_in, 2 * y));
    });
    job_.spent("inverse");
    run(places_.synthesis, "synthesis");
    const engine::Map& residual = map(places_.synthesis_out);
    Picture& picture = state_->picture;
    for_rows(team_, 2 * size_.rows8(), [&](std::size_t y) {
        kernels_.unpack(const_cells(cells_at(residual, y)), const_cells(cells_at(synthesis_in, y, kCellChannels)),
                        cells_of_row, pixels_at(picture, y));
    });
    extend(picture, team_);
    job_.spent("unpack");
    return {size_, std::move(state_), reference_.key};
}

}  // namespace

InterModel::InterModel(const ModelArrays& arrays, View<const std::int32_t> motion_lambda)
    : Model(arrays, kMaxStepInter, wanted_slots()),
      motion_lambda_(checked_motion_lambda(motion_lambda)),
      motion_costs_(*tables, kFirstMotionRow),
      places_{slot("features_in"),
              slot("context"),
              slot("rows"),
              slot("synthesis_in"),
              slot("synthesis_out"),
              slot("analysis_in"),
              slot("analysis_out"),
              stage("features"),
              {stage("indexes_a00"), stage("indexes_a11"), stage("indexes_b01"), stage("indexes_b10")},
              stage("synthesis"),
              stage("analysis")},
      works_(std::make_shared<Pool<InterWork>>()) {}

std::shared_ptr<InterWork> InterModel::work_for(const Geometry& size, const Reference& reference,
                                                const Job& job) const {
    check_size(size);
    check_job(job);
    check_reference(size, reference);
    std::shared_ptr<InterWork> work = works_->take([this] { return std::make_unique<InterWork>(*network); });
    if (work->size != size || !work->maps.has_sizes()) {
        work->size = {};
        resize(work->maps, size);
        work->current = Picture(size.padded_height(), size.padded_width());
        work->prediction = Picture(size.padded_height(), size.padded_width());
        work->transform.resize(size.latent());
        work->coefficients.resize(size.latent());
        work->rows.resize(2 * size.grid());
        work->symbols.resize(2 * size.grid());
        work->size = size;
    }
    return work;
}

Coded InterModel::encode(const Planes& planes, std::int32_t quality, const Reference& reference, SearchPreset preset,
                         const Job& job) const {
    check_quality(quality);
    const std::shared_ptr<InterWork> work = work_for(planes.size, reference, job);
    Team team(job.threads);
    fill(work->current, planes);
    const MotionContext context = motion_context(reference, quality);
    SearchOptions options{preset, static_cast<std::uint32_t>(motion_lambda_[static_cast<std::size_t>(quality)]),
                          job.set, &team};
    job.spent("start");
    MotionField field = search_motion(work->current.luma, reference.frame->picture.luma,
                                      &reference.key->picture.luma, context, motion_costs_, options);

    job.spent("search");
    Encoder encoder(tables, job.set);
    EncoderSink sink(encoder, kFirstMotionRow);
    write_motion(field, context, sink);
    sink.flush();
    job.spent("motion");
    InterRun run(*this, places_, *work, quality, reference, job, team);
    run.predict(std::move(field));
    const Latent latent = run.analyse();
    EncoderPort port(encoder, *this, kernels_for(job.set), planes.size, quality, latent, team);
    run.code_symbols(port);
    std::vector<std::uint8_t> payload = with_head(quality, encoder.finish());
    job.spent("finish");
    return {std::move(payload), run.reconstruct()};
}

Reference InterModel::decode(View<const std::uint8_t> payload, const Geometry& size, const Reference& reference,
                             const Job& job) const {
    const std::shared_ptr<InterWork> work = work_for(size, reference, job);
    const std::int32_t quality = read_head(payload);
    Team team(job.threads);
    Decoder decoder(tables, payload.from(kHeadSize), job.set);
    DecoderSource source(decoder, kFirstMotionRow);
    const int rows = size.padded_height() / kMacroblock, columns = size.padded_width() / kMacroblock;
    job.spent("start");
    MotionField field = read_motion(rows, columns, motion_context(reference, quality), source);
    job.spent("motion");

    InterRun run(*this, places_, *work, quality, reference, job, team);
    run.predict(std::move(field));
    DecoderPort port(decoder, kernels_for(job.set));
    run.code_symbols(port);
    decoder.finish();
    return run.reconstruct();
}

}  // namespace streamcodec::frame
