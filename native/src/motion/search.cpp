#include "motion/search.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "motion/coder.hpp"
#include "motion/dispatch.hpp"
#include "motion/macroblock_search.hpp"
#include "motion/pyramid.hpp"
#include "platform/error.hpp"
#include "platform/team.hpp"

namespace streamcodec {

namespace {

constexpr SearchEffort effort_of(SearchPreset preset) {
    //                                     reach passes steps turns    diagonal split modes hope key
    if (preset == SearchPreset::fast) return {8, 1, 4, 4, 4, 1, false, true, false, 2, false};
    if (preset == SearchPreset::medium) return {12, 1, 4, 16, 8, 1, true, true, true, 2, false};
    return {24, 2, 16, 32, 16, 2, true, true, true, 4, true};
}

// Calls search(row, column) for all macroblocks, each after those to its left and up to one column
// further to the right in the row above. The members of the team take rows in turn.
class Wavefront {
  public:
    Wavefront(int rows, int columns)
        : rows_(rows), columns_(columns), done_(static_cast<std::size_t>(rows)) {}

    template <typename Search>
    void work(const Search& search) {
        for (int row = next_++; row < rows_; row = next_++) {
            for (int column = 0; column < columns_; ++column) {
                if (row > 0) wait(row - 1, std::min(column + 2, columns_));
                search(row, column);
                done_[static_cast<std::size_t>(row)].store(column + 1, std::memory_order_release);
            }
        }
    }

  private:
    void wait(int row, int columns) const {
        const std::atomic<int>& done = done_[static_cast<std::size_t>(row)];
        for (int spins = 0; done.load(std::memory_order_acquire) < columns; ++spins) {
            if (spins > 64) std::this_thread::yield();
        }
    }

    int rows_, columns_;
    std::atomic<int> next_{0};
    std::vector<std::atomic<int>> done_;
};

}  // namespace

SearchPreset search_preset_named(const std::string& name) {
    if (name == "fast") return SearchPreset::fast;
    if (name == "medium") return SearchPreset::medium;
    if (name == "slow") return SearchPreset::slow;
    throw BadArgument("preset is '" + name + "'; accepted: fast, medium, slow");
}

MotionField search_motion(const Plane& current, const Plane& previous, const Plane* key,
                          const MotionContext& context, const MotionCosts& costs,
                          const SearchOptions& options) {
    MotionField field(current.height() / kMacroblock, current.width() / kMacroblock);
    for (const Plane* plane : {&previous, key}) {
        if (plane != nullptr &&
            (plane->height() != current.height() || plane->width() != current.width())) {
            throw BadArgument(
                "a reference is " + std::to_string(plane->height()) + "x" +
                std::to_string(plane->width()) + "; accepted: the size of the frame, " +
                std::to_string(current.height()) + "x" + std::to_string(current.width()));
        }
    }
    if (context.has_key && key == nullptr)
        throw BadArgument("the context has a key frame; none was given");
    MotionCoder coder(field, context);
    const MotionKernels& kernels = motion_kernels_for(options.set);
    const SearchEffort effort = effort_of(options.preset);
    const auto coarse = [&, pyramid = Pyramid(current, kernels)](const Plane& reference,
                                                                 bool of_key) {
        return coarse_motion(pyramid, Pyramid(reference, kernels),
                             of_key ? nullptr : context.previous, field.rows, field.columns,
                             effort.reach, kernels, options.team);
    };
    const bool uses_key = context.has_key;
    const std::vector<Vector> coarse_previous = coarse(previous, false);
    const std::vector<Vector> coarse_key =
        uses_key && effort.key_pyramid ? coarse(*key, true) : std::vector<Vector>();
    const SearchFrame frame{current,
                            {&previous, uses_key ? key : nullptr},
                            {&coarse_previous, coarse_key.empty() ? nullptr : &coarse_key},
                            costs,
                            kernels,
                            options.lambda_16,
                            effort};
    for (int pass = 0; pass < effort.passes; ++pass) {
        Wavefront wavefront(field.rows, field.columns);
        const auto work = [&](std::size_t) {
            MacroblockSearch search(frame, coder);
            wavefront.work([&](int row, int column) { search.run(row, column, pass); });
        };
        if (options.team == nullptr)
            work(0);
        else
            options.team->run(work);
    }
    return field;
}

}  // namespace streamcodec
