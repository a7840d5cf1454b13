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
    if (preset == SearchPreset::fast) return {8, 4, 4, false, false, false};
    return {12, 16, 8, true, true, true};
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
    throw BadArgument("preset is '" + name + "'; accepted: fast, medium");
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
    const Pyramid small(current, kernels);
    const auto coarse = [&](const Plane& reference, const MotionField* expected) {
        return coarse_motion(small, Pyramid(reference, kernels), expected, field.rows,
                             field.columns, effort.reach, kernels, options.team);
    };
    const SearchFrame frame{
        current,
        {&previous, context.has_key ? key : nullptr},
        {coarse(previous, context.previous),
         context.has_key && options.key_is_future ? coarse(*key, nullptr) : std::vector<Vector>()},
        costs,
        kernels,
        options.lambda_16,
        effort};
    Wavefront wavefront(field.rows, field.columns);
    const auto work = [&](std::size_t) {
        MacroblockSearch search(frame, coder);
        wavefront.work([&](int row, int column) { search.run(row, column); });
    };
    if (options.team == nullptr)
        work(0);
    else
        options.team->run(work);
    return field;
}

}  // namespace streamcodec
