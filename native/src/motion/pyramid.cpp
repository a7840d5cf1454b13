#include "motion/pyramid.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "platform/team.hpp"

namespace streamcodec {

namespace {

constexpr int kSide = 8;                  // of the blocks that are compared at every level
constexpr int kWhole = kVectorLimit / 4;  // largest component, in whole luma pixels

// Calls work(0 .. rows - 1), which must not depend on each other.
template <typename Work>
void each_row(int rows, Team* team, const Work& work) {
    if (team == nullptr || team->size() == 1) {
        for (int row = 0; row < rows; ++row) work(row);
        return;
    }
    std::atomic<int> next{0};
    team->run([&](std::size_t) {
        for (int row = next++; row < rows; row = next++) work(row);
    });
}

// Compares one block of `current` with places in `reference`, planes of one level.
class Comparison {
  public:
    Comparison(const Plane& current, const Plane& reference, const MotionKernels& kernels, int y,
               int x, int limit)
        : reference_(reference), kernels_(kernels), limit_(limit) {
        y_ = std::clamp(y, 0, std::max(0, current.height() - kSide));
        x_ = std::clamp(x, 0, std::max(0, current.width() - kSide));
        block_ = {current.row(y_) + x_, current.stride()};
    }

    // Vectors in pixels of this level. `weight`: what a pixel's distance from `from` costs.
    void attempt(Vector v, Vector from, std::uint32_t weight) {
        if (std::abs(v.y) > limit_ || std::abs(v.x) > limit_) return;
        const int y = std::clamp(y_ + v.y, -kSide, reference_.height());
        const int x = std::clamp(x_ + v.x, -kSide, reference_.width());
        const auto distance =
            static_cast<std::uint32_t>(std::abs(v.y - from.y) + std::abs(v.x - from.x));
        const std::uint32_t cost =
            kernels_.sad8(block_, {reference_.row(y) + x, reference_.stride()}) + weight * distance;
        if (cost < least_) {
            least_ = cost;
            best_ = v;
        }
    }

    void descend(int turns, std::uint32_t weight) {
        const Vector from = best_;
        for (int turn = 0; turn < turns; ++turn) {
            const Vector centre = best_;
            for (int dy = -1; dy <= 1; ++dy) {
                for (int dx = -1; dx <= 1; ++dx) {
                    if (dy == 0 && dx == 0) continue;
                    attempt({static_cast<std::int16_t>(centre.y + dy),
                             static_cast<std::int16_t>(centre.x + dx)},
                            from, weight);
                }
            }
            if (best_ == centre) break;
        }
    }

    Vector best() const { return best_; }

  private:
    const Plane& reference_;
    const MotionKernels& kernels_;
    int limit_, y_, x_;
    Pixels block_;
    Vector best_;
    std::uint32_t least_ = UINT32_MAX;
};

struct Grid {
    int rows, columns;
    std::vector<Vector> vectors;

    Grid(int rows_, int columns_)
        : rows(rows_), columns(columns_), vectors(static_cast<std::size_t>(rows_ * columns_)) {}
    Vector& at(int row, int column) {
        return vectors[static_cast<std::size_t>(row * columns + column)];
    }
    Vector near(int row, int column) const {
        row = std::clamp(row, 0, rows - 1);
        column = std::clamp(column, 0, columns - 1);
        return vectors[static_cast<std::size_t>(row * columns + column)];
    }
};

Vector doubled(Vector v) {
    return {static_cast<std::int16_t>(2 * v.y), static_cast<std::int16_t>(2 * v.x)};
}

}  // namespace

Pyramid::Pyramid(const Plane& full, const MotionKernels& kernels) {
    const Plane* from = &full;
    for (Plane& level : levels_) {
        level = Plane(from->height() / 2, from->width() / 2);
        for (int y = 0; y < level.height(); ++y) {
            kernels.halve(from->row(2 * y), from->row(2 * y + 1), level.row(y), level.width());
        }
        level.extend();
        from = &level;
    }
}

std::vector<Vector> coarse_motion(const Pyramid& current, const Pyramid& reference,
                                  const MotionField* previous, int rows, int columns, int reach,
                                  const MotionKernels& kernels, Team* team) {
    constexpr std::uint32_t kWeight = 2;
    // At 1/8, for 2x2 macroblocks (4x4 pixels): everything within `reach`.
    Grid eighth((rows + 1) / 2, (columns + 1) / 2);
    each_row(eighth.rows, team, [&](int row) {
        for (int column = 0; column < eighth.columns; ++column) {
            Comparison c(current.level(3), reference.level(3), kernels, 4 * row - 2, 4 * column - 2,
                         kWhole / 8);
            c.attempt({}, {}, 0);
            for (int y = -reach; y <= reach; ++y) {
                for (int x = -reach; x <= reach; ++x) {
                    c.attempt({static_cast<std::int16_t>(y), static_cast<std::int16_t>(x)}, {},
                              kWeight);
                }
            }
            eighth.at(row, column) = c.best();
        }
    });
    // At 1/4, for a macroblock (4x4 pixels): what was found around it.
    Grid quarter(rows, columns);
    each_row(rows, team, [&](int row) {
        for (int column = 0; column < columns; ++column) {
            Comparison c(current.level(2), reference.level(2), kernels, 4 * row - 2, 4 * column - 2,
                         kWhole / 4);
            const int r = row / 2, s = column / 2, dr = row % 2 ? 1 : -1, ds = column % 2 ? 1 : -1;
            c.attempt({}, {}, 0);
            for (const Vector v : {eighth.near(r, s), eighth.near(r + dr, s),
                                   eighth.near(r, s + ds), eighth.near(r + dr, s + ds)}) {
                c.attempt(doubled(v), {}, 0);
            }
            if (previous != nullptr) {
                const Vector v = previous->block(2 * row, 2 * column).previous;
                c.attempt(
                    {static_cast<std::int16_t>(v.y >> 4), static_cast<std::int16_t>(v.x >> 4)}, {},
                    0);
            }
            c.descend(3, kWeight);
            quarter.at(row, column) = c.best();
        }
    });
    // At 1/2 a macroblock is 8x8 pixels.
    std::vector<Vector> found(static_cast<std::size_t>(rows * columns));
    each_row(rows, team, [&](int row) {
        for (int column = 0; column < columns; ++column) {
            Comparison c(current.level(1), reference.level(1), kernels, 8 * row, 8 * column,
                         kWhole / 2);
            c.attempt({}, {}, 0);
            for (const auto& [dr, ds] : {std::pair{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}}) {
                c.attempt(doubled(quarter.near(row + dr, column + ds)), {}, 0);
            }
            c.descend(3, kWeight);
            const Vector v = c.best();
            found[static_cast<std::size_t>(row * columns + column)] = {
                static_cast<std::int16_t>(8 * v.y), static_cast<std::int16_t>(8 * v.x)};
        }
    });
    return found;
}

}  // namespace streamcodec
