// One I-frame on its way: the steps of frame.hpp, for encoder and decoder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "frame/frame_run.hpp"
#include "frame/intra.hpp"
#include "frame/port.hpp"

namespace streamcodec::frame {

constexpr std::int32_t kMaxContext = 8191;  // 1/32 step

struct IntraWork : FrameWork {
    using FrameWork::FrameWork;

    std::vector<std::uint16_t> z_rows;
    std::vector<std::int32_t> z;

    enum Other : std::size_t { kMeans = kOthers };  // of a grid
    std::int16_t* means() const { return maps.array<std::int16_t>(kMeans); }
};

class IntraRun : FrameRun {
  public:
    IntraRun(const IntraModel& model, const IntraModel::Places& places, IntraWork& work,
             std::int32_t quality, const Job& job, Team& team)
        : FrameRun(model, work, quality, job, team), model_(model), places_(places), work_(work) {}

    Latent analyse();
    void analyse_hyper(const Latent& latent);
    void expand();
    void code_symbols(SymbolPort& port);
    Reference reconstruct();

  private:
    void take_rows(std::size_t y, const RowShifts& shifts);
    void settle(Parity parity, std::size_t row);
    void describe(const std::int32_t* u, std::int16_t* context) const;

    const IntraModel& model_;
    const IntraModel::Places& places_;
    IntraWork& work_;
};

}  // namespace streamcodec::frame
