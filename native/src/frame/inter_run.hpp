// One P-frame on its way: the steps of frame.hpp, for encoder and decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "frame/frame_run.hpp"
#include "frame/inter.hpp"
#include "frame/port.hpp"
#include "motion/field.hpp"

namespace streamcodec::frame {

struct InterWork : FrameWork {
    using FrameWork::FrameWork;

    Picture prediction;
    std::vector<std::int16_t> kept;  // (h8, w8, 96): a latent that outlasts the maps

    enum Other : std::size_t { kCoefficients = kOthers };  // (h8, w8, 96)
    std::int16_t* coefficients() const { return maps.array<std::int16_t>(kCoefficients); }
};

// One frame on its way, of which the motion field is known.
class InterRun : FrameRun {
  public:
    InterRun(const InterModel& model, const InterModel::Places& places, InterWork& work,
             std::int32_t quality, const Reference& reference, const Job& job, Team& team)
        : FrameRun(model, work, quality, job, team),
          model_(model),
          places_(places),
          work_(work),
          reference_(reference) {
        state_->magnitudes.resize(size_.latent());
    }

    void predict(MotionField field);
    Latent analyse();
    // What is to be coded of a latent: with its channels for that after the Hadamard transform, if
    // `hadamard` says so; if it says nothing, gets what takes less.
    Latent mixed(const Latent& latent, std::optional<bool>& hadamard);
    void code_symbols(SymbolPort& port, bool hadamard);
    Reference reconstruct();

    // Preset slow. A latent, kept from one run to the next; refine() ends this run: it moves the
    // latent that is kept to where the coded frame says.
    Latent keep(const Latent& latent);
    Latent kept() const { return {work_.kept.data(), nullptr, size_.columns8()}; }
    void refine();

  private:
    void describe(std::size_t y);
    void add_up(const Latent& latent, std::int16_t* sums);
    const std::int16_t* transform_difference(std::size_t y, const Picture& other);
    void take_rows(std::size_t stage, std::size_t grid, const RowShifts& shifts);
    void adapt(std::size_t step);
    void settle(Parity parity, std::size_t row, const std::int32_t* symbols, bool is_context);

    const InterModel& model_;
    const InterModel::Places& places_;
    InterWork& work_;
    const Reference& reference_;
};

}  // namespace streamcodec::frame
