#include "frame/intra_run.hpp"

#include <algorithm>

#include "platform/error.hpp"

namespace streamcodec::frame {

namespace {

constexpr std::int32_t kMaxMean = 8191;  // 1/32 step

// LOG[|u| / 2]
std::int16_t log_of(const std::int16_t* log, std::int32_t u) {
    return log[std::min((u < 0 ? -u : u) >> 1, kLogEntries - 1)];
}

}  // namespace

// What is to be coded of work_.current.
Latent IntraRun::analyse() {
    const engine::Map& analysis_in = map(places_.analysis_in);
    for_rows(size_.rows8(), [&](std::size_t y) {
        for (const std::size_t row : {2 * y, 2 * y + 1}) {
            kernels_.pack(pixels_at(work_.current, row), cells_of_row(),
                          cells_at(analysis_in, row));
        }
        kernels_.forward(const_cells(cells_at(analysis_in, 2 * y)), size_.columns8(),
                         work_.transform() + y * size_.columns8() * kChannels);
    });
    job_.spent("transform");
    run(places_.analysis, "analysis");
    return {work_.transform(), &map(places_.analysis_out), size_.columns8()};
}

// Fills work_.z.
void IntraRun::analyse_hyper(const Latent& latent) {
    const engine::Map& hyper_in = map(places_.hyper_in);
    for_rows(size_.rows8(), [&](std::size_t y) {
        for (std::size_t x = 0; x < size_.columns8(); ++x) {
            std::int32_t values[kChannels];
            kernels_.scale_down(latent.transform_at(y, x), latent.analysis_at(y, x),
                                model_.gain(quality_), values);
            std::int16_t* const out =
                hyper_in.at(static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
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
                if (*from < -limit || *from > limit)
                    throw CorruptStream("the frame is damaged: a z is too large");
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
    RowSums sums{};
    for (std::size_t step = 0; step < 4; ++step) {
        run(places_.indexes[step], "indexes");
        const RowShifts shifts(sums);
        for_rows(rows, [&](std::size_t row) { take_rows(row, shifts); });
        job_.spent("rows");
        port.code({{kGrids[step]}, {work_.rows(), size_.grid()}, work_.given_rows(), work_.means()},
                  work_.symbols());
        job_.spent("symbols");
        for_rows(rows, [&](std::size_t row) { settle(kGrids[step], row); });
        job_.spent("settle");
        if (step == 3) continue;
        sums +=
            model_.row_costs.sums(size_, 1, work_.given_rows(), work_.symbols(), kernels_, team_);
        job_.spent("adapt");
    }
}

// Row y of the means and table rows that the network gave.
void IntraRun::take_rows(std::size_t y, const RowShifts& shifts) {
    const engine::Map& found = map(places_.rows);
    const auto columns = static_cast<std::size_t>(found.width);
    const CellRow from = cells_at(found, y);
    for (std::size_t x = 0; x < columns; ++x) {
        const std::int16_t* const in = from.data + static_cast<std::ptrdiff_t>(x) * from.pixel;
        const std::size_t at = (y * columns + x) * kChannels;
        for (std::size_t i = 0; i < kChannels; ++i) {
            work_.means()[at + i] =
                static_cast<std::int16_t>(std::clamp<std::int32_t>(in[i], -kMaxMean, kMaxMean));
        }
        kernels_.move_rows(in + kChannels, shifts.data(), work_.given_rows() + at,
                           work_.rows() + at);
    }
}

// What follows from the symbols of a row of a grid: coefficients and context.
void IntraRun::settle(Parity parity, std::size_t row) {
    const engine::Map &context = map(places_.context), &coefficients = map(places_.coefficients);
    for_positions(size_, parity, row, [&](std::size_t position, std::size_t y, std::size_t x) {
        const std::size_t at = position * kChannels;
        const auto place_y = static_cast<std::ptrdiff_t>(y),
                   place_x = static_cast<std::ptrdiff_t>(x);
        std::int32_t u[kChannels];
        kernels_.scale_intra(work_.symbols() + at, work_.means() + at, model_.step(quality_), u,
                             coefficients.at(place_y, place_x));
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
    // Pixel after pixel without gaps, as inverse() wants them: 96 channels need no rounding up.
    const engine::Map &coefficients = map(places_.coefficients), &residual = map(places_.residual);
    for_rows(size_.rows8(), [&](std::size_t y) {
        kernels_.inverse(coefficients.at(static_cast<std::ptrdiff_t>(y), 0), size_.columns8(),
                         cells_at(residual, 2 * y));
    });
    job_.spent("inverse");
    run(places_.synthesis, "synthesis");
    const engine::Map& found = map(places_.synthesis_out);
    for_rows(2 * size_.rows8(), [&](std::size_t y) {
        kernels_.unpack(const_cells(cells_at(found, y)), {nullptr, 0, 0}, cells_of_row(),
                        pixels_at(state_->picture, y));
    });
    extend(state_->picture, team_);
    job_.spent("unpack");
    return {size_, state_, state_};
}

}  // namespace streamcodec::frame
