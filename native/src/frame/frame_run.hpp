// One frame on its way through a network: what inter_run.hpp and intra_run.hpp share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "engine/workspace.hpp"
#include "frame/bands.hpp"
#include "frame/model.hpp"

namespace streamcodec::frame {

// The order of the grids of a latent: in a P-frame two for step A, two for step B.
constexpr Parity kGrids[4] = {{0, 0}, {1, 1}, {0, 1}, {1, 0}};

// Where a frame is coded.
struct FrameWork {
    explicit FrameWork(const engine::Network& network) : maps(network) {}

    engine::Workspace maps;
    Geometry size;
    Picture current;  // of an encoder

    // Arrays beside the maps: kTransform (h8, w8, 96), kGivenRows (before they are moved), kRows
    // and kSymbols of what is coded at once; the others are the frame kind's.
    enum Array : std::size_t { kTransform, kGivenRows, kRows, kSymbols, kOthers };
    std::int16_t* transform() const { return maps.array<std::int16_t>(kTransform); }
    std::uint8_t* given_rows() const { return maps.array<std::uint8_t>(kGivenRows); }
    std::uint16_t* rows() const { return maps.array<std::uint16_t>(kRows); }
    std::int32_t* symbols() const { return maps.array<std::int32_t>(kSymbols); }
};

// Work of the pool, of this size and with memory for its maps. resize(work) gives it the size.
template <typename Work, typename Resize>
std::shared_ptr<Work> take_work(const Model& model, Pool<Work>& pool, const Geometry& size,
                                Resize resize) {
    std::shared_ptr<Work> work =
        pool.take([&model] { return std::make_unique<Work>(*model.network); });
    if (work->size != size || !work->maps.has_sizes()) {
        work->size = {};
        resize(*work);
        work->size = size;
    }
    std::shared_ptr<Memory> memory = take_memory(*model.spares->memory, work->maps.size_bytes());
    work->maps.bind(memory->data());
    Work* const raw = work.get();
    return {raw, [work = std::move(work), memory = std::move(memory)](Work*) {}};
}

class FrameRun {
  protected:
    FrameRun(const Model& model, FrameWork& work, std::int32_t quality, const Job& job, Team& team)
        : size_(work.size),
          quality_(quality),
          job_(job),
          kernels_(kernels_for(job.set)),
          team_(team),
          state_(take_state(*model.spares->states, size_)),
          network_(*model.network),
          maps_(work.maps) {}
    ~FrameRun() = default;

    const engine::Map& map(std::size_t slot) const { return maps_.map(slot); }
    void run(std::size_t stage, const char* name) {
        network_.run(stage, condition_of(quality_), maps_, team_, job_.set);
        job_.spent(name);
    }
    template <typename Work>
    void for_rows(std::size_t rows, Work work) {
        frame::for_rows(team_, rows, work);
    }
    std::size_t cells_of_row() const { return static_cast<std::size_t>(size_.quarter().width); }

    const Geometry size_;
    const std::int32_t quality_;
    const Job job_;
    const Kernels& kernels_;
    Team& team_;
    std::shared_ptr<FrameState> state_;

  private:
    const engine::Network& network_;
    engine::Workspace& maps_;
};

}  // namespace streamcodec::frame
