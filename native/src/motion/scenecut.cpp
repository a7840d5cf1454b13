#include "motion/scenecut.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "motion/dispatch.hpp"
#include "motion/filters.hpp"
#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr int kHeight = SceneCutDetector::kHeight, kWidth = SceneCutDetector::kWidth;
constexpr std::int64_t kOne = SceneCutDetector::kOne;
constexpr int kPixels = kHeight * kWidth;
constexpr int kBlock = 16, kReach = 4;
constexpr int kBins = 32;
constexpr int kNoise = 1;  // grey level: two black frames are not a cut

// Calls add(cell, place, weight) for each place 0 .. size - 1 and each of `cells` that it overlaps:
// the weights of a cell sum to `size`.
template <typename Add>
void overlaps(int cells, int size, const Add& add) {
    for (int cell = 0; cell < cells; ++cell) {
        const std::int64_t start = std::int64_t{cell} * size, end = start + size;
        for (std::int64_t place = start / cells; place * cells < end; ++place) {
            const std::int64_t weight =
                std::min(end, (place + 1) * cells) - std::max(start, place * cells);
            add(cell, static_cast<int>(place), weight);
        }
    }
}

// Sum of absolute differences of a block at the best place that is found for it.
std::uint32_t best_match(const Plane& current, const Plane& last, int y, int x,
                         const MotionKernels& kernels) {
    std::uint32_t least = UINT32_MAX;
    int best_y = 0, best_x = 0;
    const auto attempt = [&](int vy, int vx) {  // in quarter pixels
        alignas(64) std::uint8_t moved[kBlock * kBlock];
        Pixels from{last.row(y + (vy >> 2)) + x + (vx >> 2), last.stride()};
        if ((vy | vx) & 3) {
            kernels.luma(from, kLumaTaps[0][vx & 3], kLumaTaps[0][vy & 3], moved, kBlock, kBlock,
                         kBlock);
            from = {moved, kBlock};
        }
        std::uint32_t sad = 0;
        for (int k = 0; k < 4; ++k) {
            const int down = k / 2 * 8, right = k % 2 * 8;
            sad += kernels.sad8({current.row(y + down) + x + right, current.stride()},
                                {from.at + down * from.stride + right, from.stride});
        }
        if (sad < least) {
            least = sad;
            best_y = vy;
            best_x = vx;
        }
    };
    for (int dy = -kReach; dy <= kReach; ++dy) {
        for (int dx = -kReach; dx <= kReach; ++dx) attempt(4 * dy, 4 * dx);
    }
    for (const int step : {2, 1}) {
        const int centre_y = best_y, centre_x = best_x;
        for (int k = 0; k < 9; ++k)
            attempt(centre_y + step * (k / 3 - 1), centre_x + step * (k % 3 - 1));
    }
    return least;
}

// Sum of absolute differences to the mean of 9x9 pixels, mirrored at the edges.
std::int64_t distance_from_blur(const Plane& plane) {
    constexpr int kRadius = 4, kArea = (2 * kRadius + 1) * (2 * kRadius + 1);
    const auto mirrored = [](int k, int size) {
        return k < 0 ? -k : k >= size ? 2 * size - 2 - k : k;
    };
    std::vector<int> across(static_cast<std::size_t>(kPixels));
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            int sum = 0;
            for (int k = -kRadius; k <= kRadius; ++k) sum += plane.row(y)[mirrored(x + k, kWidth)];
            across[static_cast<std::size_t>(y * kWidth + x)] = sum;
        }
    }
    std::int64_t total = 0;
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            int sum = 0;
            for (int k = -kRadius; k <= kRadius; ++k) {
                sum += across[static_cast<std::size_t>(mirrored(y + k, kHeight) * kWidth + x)];
            }
            total += std::abs(plane.row(y)[x] - (sum + kArea / 2) / kArea);
        }
    }
    return total;
}

std::int64_t histogram_distance(const Plane& a, const Plane& b) {  // 0..kOne
    int bins[kBins] = {};
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            ++bins[a.row(y)[x] * kBins / 256];
            --bins[b.row(y)[x] * kBins / 256];
        }
    }
    std::int64_t sum = 0;
    for (const int difference : bins) sum += std::abs(difference);
    return sum * kOne / (2 * kPixels);
}

}  // namespace

Plane shrink_for_cuts(const std::uint8_t* luma, int height, int width) {
    std::vector<std::int64_t> sums(static_cast<std::size_t>(kPixels));
    std::vector<std::int64_t> across(static_cast<std::size_t>(kWidth));
    int summed = -1;  // the row that `across` has
    overlaps(kHeight, height, [&](int cell, int row, std::int64_t weight) {
        if (row != summed) {
            const std::uint8_t* const line = luma + std::int64_t{row} * width;
            std::fill(across.begin(), across.end(), 0);
            overlaps(kWidth, width, [&](int x, int place, std::int64_t share) {
                across[static_cast<std::size_t>(x)] += share * line[place];
            });
            summed = row;
        }
        for (int x = 0; x < kWidth; ++x) {
            sums[static_cast<std::size_t>(cell * kWidth + x)] +=
                weight * across[static_cast<std::size_t>(x)];
        }
    });
    const std::int64_t area = std::int64_t{height} * width;
    Plane plane(kHeight, kWidth);
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            plane.row(y)[x] = static_cast<std::uint8_t>(
                (sums[static_cast<std::size_t>(y * kWidth + x)] + area / 2) / area);
        }
    }
    plane.extend();
    return plane;
}

std::int64_t cut_score(const Plane& current, const Plane& last, InstructionSet set) {
    const MotionKernels& kernels = motion_kernels_for(set);
    std::int64_t inter = 0;
    for (int y = 0; y < kHeight; y += kBlock) {
        for (int x = 0; x < kWidth; x += kBlock) inter += best_match(current, last, y, x, kernels);
    }
    const std::int64_t intra = distance_from_blur(current);
    const std::int64_t share = inter * kOne / (inter + intra + kNoise * kPixels);
    return (share + histogram_distance(current, last)) / 2;
}

SceneCutDetector::SceneCutDetector(std::int64_t threshold, InstructionSet set)
    : threshold_(threshold), set_(set) {
    if (threshold < 0 || threshold > kOne) {
        throw BadArgument("scene-cut threshold is " + std::to_string(threshold) +
                          "; accepted: 0 (off) to " + std::to_string(kOne));
    }
}

bool SceneCutDetector::is_cut(const std::uint8_t* luma, int height, int width) {
    if (threshold_ == 0) return false;
    Plane plane = shrink_for_cuts(luma, height, width);
    const bool first = !last_;
    if (!first) score_ = cut_score(plane, *last_, set_);
    last_ = std::move(plane);
    if (first) return false;
    const bool stands_out = 5 * score_ >= 4 * mean_ + kOne;  // mean + 0.2 (1 - mean)
    mean_ = (mean_ + score_) / 2;
    return stands_out && score_ >= threshold_;
}

}  // namespace streamcodec
