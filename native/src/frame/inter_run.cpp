#include "frame/inter_run.hpp"

#include <algorithm>

#include "frame/hadamard.hpp"
#include "motion/predict.hpp"

namespace streamcodec::frame {

namespace {

std::int16_t saturated(std::int32_t value) {
    return static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
}

// Moves what is luma of `count` coefficients three quarters of the way(i).
template <typename Way>
void move_luma(std::int16_t* coefficients, std::size_t count, Way way) {
    for (std::size_t i = 0; i < count; ++i) {
        if (i % kChannels >= 64) continue;
        coefficients[i] = saturated(coefficients[i] + ((3 * way(i)) >> 2));
    }
}

}  // namespace

void InterRun::predict(MotionField field) {
    state_->field = std::move(field);
    streamcodec::predict(state_->field, reference_.frame->picture, &reference_.second().picture,
                         work_.prediction, job_.set, &team_);
    job_.spent("predict");
    for_rows(size_.rows8(), [&](std::size_t y) { describe(y); });
    job_.spent("describe");
    run(places_.features, "features");
}

// Row y of the features: of the prediction, and of the symbols of the frame before.
void InterRun::describe(std::size_t y) {
    const engine::Map& synthesis_in = map(places_.synthesis_in);
    for (const std::size_t row : {2 * y, 2 * y + 1}) {
        kernels_.pack(pixels_at(work_.prediction, row), cells_of_row(),
                      cells_at(synthesis_in, row, kCellChannels));
    }
    std::int16_t* const transform = work_.transform() + y * size_.columns8() * kChannels;
    kernels_.forward(const_cells(cells_at(synthesis_in, 2 * y, kCellChannels)), size_.columns8(),
                     transform);
    const CellRow to = cells_at(map(places_.features_in), y);
    kernels_.log_scaled(transform, model_.gain(quality_), model_.log(), size_.columns8(), to);
    const std::int16_t* const log = model_.log_of_magnitude();
    const std::uint8_t* const magnitudes =
        reference_.is_key() ? nullptr : &reference_.magnitudes()[y * size_.columns8() * kChannels];
    for (std::size_t x = 0; x < size_.columns8(); ++x) {
        std::int16_t* const out = to.data + static_cast<std::ptrdiff_t>(x) * to.pixel + kChannels;
        if (magnitudes == nullptr) {
            std::fill_n(out, kChannels, log[0]);
        } else {
            for (std::size_t i = 0; i < kChannels; ++i) out[i] = log[magnitudes[x * kChannels + i]];
        }
    }
}

// Row y of work_.transform(): of what work_.current has beyond another picture.
const std::int16_t* InterRun::transform_difference(std::size_t y, const Picture& other) {
    const engine::Map& difference = map(places_.analysis_in);
    for (const std::size_t row : {2 * y, 2 * y + 1}) {
        kernels_.pack_difference(pixels_at(work_.current, row), pixels_at(other, row),
                                 cells_of_row(), cells_at(difference, row));
    }
    std::int16_t* const to = work_.transform() + y * size_.columns8() * kChannels;
    kernels_.forward(const_cells(cells_at(difference, 2 * y)), size_.columns8(), to);
    return to;
}

// What is to be coded of work_.current.
Latent InterRun::analyse() {
    const engine::Map& analysis_in = map(places_.analysis_in);
    for_rows(size_.rows8(), [&](std::size_t y) {
        for (const std::size_t row : {2 * y, 2 * y + 1}) {
            kernels_.pack(pixels_at(work_.prediction, row), cells_of_row(),
                          cells_at(analysis_in, row, kCellChannels));
        }
        transform_difference(y, work_.prediction);
    });
    job_.spent("transform");
    run(places_.analysis, "analysis");
    return {work_.transform(), &map(places_.analysis_out), size_.columns8()};
}

Latent InterRun::mixed(const Latent& latent, std::optional<bool>& hadamard) {
    if (hadamard == false) return latent;
    std::int16_t* const sums = work_.transform();
    add_up(latent, sums);
    if (!hadamard) {
        hadamard = gains_by_hadamard(sums, size_, model_.hadamard(), model_.gain(quality_),
                                     model_.lambda(quality_), team_);
    }
    if (*hadamard) frame::hadamard(sums, size_, model_.hadamard(), team_);
    job_.spent("hadamard");
    return {work_.transform(), nullptr, size_.columns8()};
}

// The latent as one array (h8, w8, 96), which may be its transform's.
void InterRun::add_up(const Latent& latent, std::int16_t* sums) {
    for_rows(size_.rows8(), [&](std::size_t y) {
        for (std::size_t x = 0; x < size_.columns8(); ++x) {
            const std::int16_t* const a = latent.transform_at(y, x);
            const std::int16_t* const b = latent.analysis_at(y, x);
            std::int16_t* const to = sums + (y * size_.columns8() + x) * kChannels;
            for (std::size_t i = 0; i < kChannels; ++i) to[i] = saturated(a[i] + b[i]);
        }
    });
}

void InterRun::code_symbols(SymbolPort& port, bool hadamard) {
    const std::size_t (&stages)[4] = hadamard ? places_.hadamard : places_.indexes;
    const std::size_t rows = size_.rows8() / 2;
    for (const std::size_t step : {0u, 1u}) {
        const RowShifts shifts =
            reference_.is_key() ? RowShifts() : RowShifts(reference_.row_sums(step));
        for (const std::size_t grid : {0u, 1u}) {
            take_rows(stages[2 * step + grid], grid, shifts);
        }
        const Parity* const grids = &kGrids[2 * step];
        port.code(
            {{grids[0], grids[1]}, {work_.rows(), 2 * size_.grid()}, work_.given_rows(), nullptr},
            work_.symbols());
        job_.spent("symbols");
        for_rows(2 * rows, [&](std::size_t row) {
            settle(grids[row / rows], row % rows, work_.symbols() + row / rows * size_.grid(),
                   step == 0);
        });
        job_.spent("settle");
        adapt(step);
    }
    if (!hadamard) return;
    frame::hadamard(work_.coefficients(), size_, model_.hadamard(), team_);
    job_.spent("hadamard");
}

// Notes what the symbols of a step say about the rows of the next frame.
void InterRun::adapt(std::size_t step) {
    RowSums& sums = state_->row_sums[step];
    sums = model_.row_costs.sums(size_, 2, work_.given_rows(), work_.symbols(), kernels_, team_);
    if (!reference_.is_key()) sums += faded(reference_.row_sums(step));
    job_.spent("adapt");
}

// Runs the network for a grid and notes the rows of its symbols.
void InterRun::take_rows(std::size_t stage, std::size_t grid, const RowShifts& shifts) {
    run(stage, "indexes");
    const engine::Map& found = map(places_.rows);
    const auto columns = static_cast<std::size_t>(found.width);
    for_rows(static_cast<std::size_t>(found.height), [&](std::size_t y) {
        const std::size_t first = grid * size_.grid() + y * columns * kChannels;
        const CellRow from = cells_at(found, y);
        for (std::size_t x = 0; x < columns; ++x) {
            const std::size_t at = first + x * kChannels;
            kernels_.move_rows(from.data + static_cast<std::ptrdiff_t>(x) * from.pixel,
                               shifts.data(), work_.given_rows() + at, work_.rows() + at);
        }
    });
    job_.spent("rows");
}

// What follows from the symbols of a row of a grid: coefficients, magnitudes, and context for the
// second step.
void InterRun::settle(Parity parity, std::size_t row, const std::int32_t* symbols,
                      bool is_context) {
    const engine::Map& context = map(places_.context);
    const std::int16_t* const log = model_.log_of_magnitude();
    for_positions(size_, parity, row, [&](std::size_t position, std::size_t y, std::size_t x) {
        const std::size_t at = (y * size_.columns8() + x) * kChannels;
        std::int16_t* const coefficients = work_.coefficients() + at;
        std::uint8_t* const magnitudes = &state_->magnitudes[at];
        const bool any = kernels_.scale_inter(symbols + position * kChannels, model_.step(quality_),
                                              coefficients, magnitudes);
        if (!any) {
            std::fill_n(coefficients, kChannels, std::int16_t{0});
            std::fill_n(magnitudes, kChannels, std::uint8_t{0});
        }
        if (!is_context) return;
        std::int16_t* const out =
            context.at(static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
        for (std::size_t i = 0; i < kChannels; ++i) out[i] = log[magnitudes[i]];
        // Beside it, in the other column of the pair, is a position of step B.
        std::fill_n(context.at(static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x ^ 1)),
                    kChannels, std::int16_t{0});
    });
}

Reference InterRun::reconstruct() {
    const engine::Map& synthesis_in = map(places_.synthesis_in);
    for_rows(size_.rows8(), [&](std::size_t y) {
        kernels_.inverse(work_.coefficients() + y * size_.columns8() * kChannels, size_.columns8(),
                         cells_at(synthesis_in, 2 * y));
    });
    job_.spent("inverse");
    run(places_.synthesis, "synthesis");
    const engine::Map& residual = map(places_.synthesis_out);
    Picture& picture = state_->picture;
    for_rows(2 * size_.rows8(), [&](std::size_t y) {
        kernels_.unpack(const_cells(cells_at(residual, y)),
                        const_cells(cells_at(synthesis_in, y, kCellChannels)), cells_of_row(),
                        pixels_at(picture, y));
    });
    extend(picture, team_);
    job_.spent("unpack");
    return {size_, std::move(state_), reference_.key};
}

Latent InterRun::keep(const Latent& latent) {
    work_.kept.resize(size_.latent());
    add_up(latent, work_.kept.data());
    return kept();
}

void InterRun::refine() {
    const std::size_t count = size_.columns8() * kChannels;
    for_rows(size_.rows8(), [&](std::size_t y) {
        const std::int16_t* const coded = work_.coefficients() + y * count;
        std::int16_t* const kept = &work_.kept[y * count];
        move_luma(kept, count, [&](std::size_t i) { return coded[i] - kept[i]; });
    });
    const Reference result = reconstruct();
    for_rows(size_.rows8(), [&](std::size_t y) {
        const std::int16_t* const error = transform_difference(y, result.frame->picture);
        move_luma(&work_.kept[y * count], count, [&](std::size_t i) { return error[i]; });
    });
    job_.spent("refine");
}

}  // namespace streamcodec::frame
