// One P-frame on its way: the steps of frame.hpp, for encoder and decoder.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/workspace.hpp"
#include "frame/inter.hpp"
#include "frame/port.hpp"
#include "motion/field.hpp"

namespace streamcodec::frame {

// Where a frame is coded.
struct InterWork {
    explicit InterWork(const engine::Network& network) : maps(network) {}

    engine::Workspace maps;
    Geometry size;
    Picture current, prediction;  // current: of an encoder

    // Arrays beside the maps: kTransform and kCoefficients (h8, w8, 96), kRows and kSymbols of the
    // two grids of a step.
    enum Array : std::size_t { kTransform, kCoefficients, kRows, kSymbols };
    std::int16_t* transform() const { return maps.array<std::int16_t>(kTransform); }
    std::int16_t* coefficients() const { return maps.array<std::int16_t>(kCoefficients); }
    std::uint16_t* rows() const { return maps.array<std::uint16_t>(kRows); }
    std::int32_t* symbols() const { return maps.array<std::int32_t>(kSymbols); }
};

// One frame on its way, of which the motion field is known.
class InterRun {
  public:
    InterRun(const InterModel& model, const InterModel::Places& places, InterWork& work,
             std::int32_t quality, const Reference& reference, const Job& job, Team& team)
        : model_(model),
          places_(places),
          work_(work),
          size_(work.size),
          quality_(quality),
          reference_(reference),
          job_(job),
          kernels_(kernels_for(job.set)),
          team_(team),
          state_(take_state(*model.spares->states, size_)) {
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

}  // namespace streamcodec::frame
