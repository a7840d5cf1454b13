// One stage of a network, made ready to run with given sizes, loops and number of threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/kernels/kernels.hpp"
#include "engine/pack.hpp"
#include "engine/plan.hpp"
#include "engine/workspace.hpp"

namespace streamcodec::engine {

class StageRun {
  public:
    // numbers: of each layer. What is passed by reference must outlive this.
    StageRun(const Stage& stage, const std::vector<PackedConv>& numbers, const Kernels& kernels,
             const Workspace& space, std::size_t members);

    std::size_t members() const { return scratch_.size(); }
    void run(std::int32_t condition, Team& team);

  private:
    struct PreparedConv {
        const PackedConv* numbers = nullptr;  // none: the layer is no convolution
        std::vector<std::ptrdiff_t> taps;
        Buffer<std::int32_t> bias;  // if it depends on the condition
        ConvJob job{};              // of all rows; point() gives it its maps
    };
    struct Scratch {
        Buffer<std::int16_t> tiles;
        Buffer<std::int32_t> sums;
    };

    PreparedConv prepare(const Conv& conv, const PackedConv& numbers) const;
    void point(const Conv& conv, ConvJob& job) const;
    void set_condition(std::int32_t condition);
    void work(const Scratch& scratch);
    void do_steps(const std::vector<Step>& steps, const Scratch& scratch) const;
    void do_rows(const Step& step, const Scratch& scratch) const;
    void wait_for(std::size_t strip) const;

    const Stage& stage_;
    const Kernels& kernels_;
    const Workspace& space_;
    Plan plan_;
    std::vector<PreparedConv> convs_;
    std::vector<Scratch> scratch_;                  // of each member
    std::unique_ptr<std::atomic<bool>[]> is_done_;  // strips
    std::atomic<std::size_t> next_{0};              // strips, then gaps
};

}  // namespace streamcodec::engine
