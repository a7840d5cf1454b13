// The search for the motion of one macroblock after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "motion/coder.hpp"
#include "motion/kernels.hpp"

namespace streamcodec {

// What a preset spends.
struct SearchEffort {
    int reach;            // of the full search at 1/8 size
    int block_step;       // of 8x8 blocks: first step of the descent, in quarters: 4, 8, 16 ...
    int whole_turns;      // of the descent in steps of one pixel
    bool diagonal;        // with diagonal steps
    bool split_modes;     // 8x8 blocks also in modes 1 and 2
    bool refine_average;  // the vectors of mode 2 each given the other
};

// What the search of a frame shares, unchanged while it runs.
struct SearchFrame {
    const Plane& current;
    const Plane* references[2];     // the previous frame; the key frame or null
    std::vector<Vector> coarse[2];  // of each macroblock, into each of them; or empty
    const MotionCosts& costs;
    const MotionKernels& kernels;
    std::int64_t lambda_16;
    SearchEffort effort;
};

// One for each thread.
class MacroblockSearch {
  public:
    MacroblockSearch(const SearchFrame& frame, MotionCoder& coder) : frame_(frame), coder_(coder) {}

    // Decides a macroblock and commits it.
    void run(int row, int column);

  private:
    using Score = std::int64_t;  // squared error * 4096 + lambda_16 * bits * 256

    // One block to be predicted from one plane.
    struct Probe {
        const Plane* plane;
        int filter, y, x, side;
        const std::uint8_t*
            partner;  // of mode 2: what to take the mean with, rows of 16; else null
    };
    // Adds up costs in 1/256 bit.
    struct Bits {
        const MotionCosts& costs;
        std::uint32_t sum = 0;
        void put(std::int32_t symbol, int row) { sum += costs.of(symbol, row); }
    };

    Score rate(std::uint32_t cost) const { return frame_.lambda_16 * cost; }
    Probe probe_of(int mode, int filter, int block, const std::uint8_t* partner = nullptr) const;
    const std::uint8_t* fetch(const Probe& probe, Vector v, std::uint8_t* buffer,
                              std::ptrdiff_t& stride) const;
    void copy_prediction(const Probe& probe, Vector v, std::uint8_t* buffer) const;
    std::uint32_t error_of(const Probe& probe, Vector v) const;
    std::uint32_t error_of(const Macroblock& macroblock) const;

    void consider(const Macroblock& macroblock);
    void merge_candidates();
    void search_previous();
    void search_key();
    void refine_average(std::uint32_t fixed);
    void search_split();
    void search_filters();
    // Whether something of at least this cost cannot be better.
    bool cannot_improve(std::uint32_t cost) const { return best_score_ <= rate(cost); }
    // The same of a new vector, which is not expected to take away more than half of the error.
    bool is_unlikely_to_improve(std::uint32_t cost) const {
        return best_score_ - best_error_ / 2 <= rate(cost);
    }

    template <typename Cost>
    Vector descend(const Probe& probe, Vector start, Score least, const Cost& cost) const;
    void gather(std::vector<Vector>& starts, int reference) const;
    Vector search_whole(int mode, const std::vector<Vector>& starts, std::uint32_t fixed,
                        const Corners& corners, Vector expected, int set,
                        const std::uint8_t* partner);
    Vector search_block(const Probe& probe, const Corners& corners, int block, Vector whole);

    const SearchFrame& frame_;
    MotionCoder& coder_;
    Surroundings at_;
    int y_ = 0, x_ = 0;
    Macroblock best_;
    Score best_score_ = 0, best_error_ = 0;  // the error is a part of the score
    Vector whole_[2];                        // the best ones of the macroblock into each reference
    std::vector<Vector> starts_;
};

}  // namespace streamcodec
