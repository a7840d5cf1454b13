// One I-frame on its way: the steps of frame.hpp, for encoder and decoder.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/workspace.hpp"
#include "frame/intra.hpp"
#include "frame/port.hpp"

namespace streamcodec::frame {

constexpr std::int32_t kMaxContext = 8191;  // 1/32 step

// Where a frame is coded.
struct IntraWork {
    explicit IntraWork(const engine::Network& network) : maps(network) {}

    engine::Workspace maps;
    Geometry size;
    Picture current;  // of an encoder
    std::vector<std::uint16_t> z_rows;
    std::vector<std::int32_t> z;

    // Arrays beside the maps: kTransform (h8, w8, 96), the others of a grid.
    enum Array : std::size_t { kTransform, kMeans, kRows, kSymbols };
    std::int16_t* transform() const { return maps.array<std::int16_t>(kTransform); }
    std::int16_t* means() const { return maps.array<std::int16_t>(kMeans); }
    std::uint16_t* rows() const { return maps.array<std::uint16_t>(kRows); }
    std::int32_t* symbols() const { return maps.array<std::int32_t>(kSymbols); }
};

class IntraRun {
  public:
    IntraRun(const IntraModel& model, const IntraModel::Places& places, IntraWork& work,
             std::int32_t quality, const Job& job, Team& team)
        : model_(model),
          places_(places),
          work_(work),
          size_(work.size),
          quality_(quality),
          job_(job),
          kernels_(kernels_for(job.set)),
          team_(team),
          state_(take_state(*model.spares->states, size_)) {}

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

}  // namespace streamcodec::frame
