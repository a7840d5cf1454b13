// One macroblock at a time as symbols: what writer, reader and search share. syntax.hpp has the
// specification.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "motion/field.hpp"
#include "motion/syntax.hpp"
#include "platform/error.hpp"

namespace streamcodec {

// What a neighbour hands on.
struct Motion {
    std::uint8_t mode = 0, filter = 0;
    Pair pair;
};

inline bool same(const Motion& a, const Motion& b) {
    return a.mode == b.mode && a.filter == b.filter &&
           (a.mode == kFromKey || a.pair.previous == b.pair.previous) &&
           (a.mode == kFromPrevious || a.pair.key == b.pair.key);
}

struct Macroblock {
    std::uint8_t mode = 0, filter = 0;
    Pair blocks[4];

    static Macroblock of(const Motion& m) {
        return {m.mode, m.filter, {m.pair, m.pair, m.pair, m.pair}};
    }
    // One vector of each kind that the mode uses for all blocks.
    bool whole() const {
        for (int k = 1; k < 4; ++k) {
            if (!same({mode, filter, blocks[0]}, {mode, filter, blocks[k]})) return false;
        }
        return true;
    }
};

// The vectors around a block: left, up, corner.
struct Corners {
    Vector left, up, corner;

    Vector median() const {
        const auto middle = [](std::int16_t a, std::int16_t b, std::int16_t c) {
            return std::max(std::min(a, b), std::min(std::max(a, b), c));
        };
        return {middle(left.y, up.y, corner.y), middle(left.x, up.x, corner.x)};
    }
    static int spread_class(int a, int b, int c) {
        const int sum = std::abs(a - b) + std::abs(b - c) + std::abs(a - c);
        return sum == 0 ? 0 : sum <= 4 ? 1 : sum <= 16 ? 2 : 3;
    }
    int spread_y() const { return spread_class(left.y, up.y, corner.y); }
    int spread_x() const { return spread_class(left.x, up.x, corner.x); }
};

// p of the specification.
template <typename T, typename Same>
int pattern_of(const T& left, const T& up, const T& corner, Same alike) {
    const bool lu = alike(left, up), ur = alike(up, corner), lr = alike(left, corner);
    return lu && ur ? 0 : lu ? 1 : ur ? 2 : lr ? 3 : 4;
}

// What is known about a macroblock before it is coded.
struct Surroundings {
    int row = 0, column = 0;
    Motion left, up, corner;
    Motion candidates[5];  // the different ones, in order
    int count = 0;         // of candidates that can be coded, at most 4
    int kind_row = 0, mode_row = 0, filter_row = 0;
};

// What differences to one vector cost, with rows looked up once.
class DifferenceCosts {
  public:
    DifferenceCosts(const MotionCosts& costs, Vector expected, int row_y, int row_x)
        : costs_(costs), expected_(expected), row_y_(row_y), row_x_(row_x) {}
    std::uint32_t of(Vector v) const {
        const int dy = v.y - expected_.y, size = std::abs(dy);
        return costs_.of(dy, row_y_) + costs_.of(v.x - expected_.x, row_x_ + (size == 0   ? 0
                                                                              : size <= 3 ? 1
                                                                                          : 2));
    }

  private:
    const MotionCosts& costs_;
    Vector expected_;
    int row_y_, row_x_;
};

class MotionCoder {
  public:
    static constexpr int kKindRow = 0, kModeRow = 60, kFilterRow = 69, kChoiceRow = 78,
                         kDifferenceRow = 118;
    enum Set { kWholeSet = 0, kBlockSet = 1, kKeySet = 2 };

    // Codes into or from `field`. Throws BadArgument for a context that does not fit.
    MotionCoder(MotionField& field, const MotionContext& context);

    Surroundings look(int row, int column) const;

    // Puts the macroblock's symbols; it stands in the field afterwards, with the vectors that are
    // not coded derived. Returns whether it was a new one (kind 4 or 5), for commit().
    template <typename Sink>
    bool put(const Surroundings& at, const Macroblock& macroblock, Sink& sink);

    // Gets a macroblock into the field. Throws CorruptStream.
    template <typename Source>
    bool get(const Surroundings& at, Source& source);

    // To be called for each macroblock once it is final, before others look at it.
    void commit(const Surroundings& at, bool fresh) {
        fresh_[field_.at(at.row, at.column)] = fresh ? 1 : 0;
    }

    Vector chain(Vector vector, int y, int x, int size) const;
    Corners corners_of_macroblock(const Surroundings& at, bool of_key) const {
        return of_key
                   ? Corners{at.left.pair.key, at.up.pair.key, at.corner.pair.key}
                   : Corners{at.left.pair.previous, at.up.pair.previous, at.corner.pair.previous};
    }
    Corners corners_of_block(const Surroundings& at, int block, bool of_key) const;
    Vector old_of_block(const Surroundings& at, int block, bool of_key, Vector left) const;  // S

    // For searches: rows of symbols, and blocks written one by one.
    int kind_row(const Surroundings& at) const { return base_ + at.kind_row; }
    int choice_row(int block, int pattern) const {
        return base_ + kChoiceRow + 10 * block + pattern;
    }
    void set_block(const Surroundings& at, int k, const Pair& pair) { block_of(at, k) = pair; }
    Macroblock macroblock_at(const Surroundings& at) const {
        const std::size_t index = field_.at(at.row, at.column);
        return {field_.modes[index],
                field_.filters[index],
                {block_of(at, 0), block_of(at, 1), block_of(at, 2), block_of(at, 3)}};
    }
    DifferenceCosts difference_costs(const MotionCosts& costs, Vector expected,
                                     const Corners& corners, int set) const {
        const int row = difference_row(set);
        return {costs, expected, row + corners.spread_y(), row + x_row(corners, 0)};
    }
    template <typename Sink>
    void put_difference(Vector vector, Vector predicted, const Corners& corners, int set,
                        Sink& sink) const;

    MotionField& field() { return field_; }
    const MotionContext& context() const { return context_; }

  private:
    Pair& block_of(const Surroundings& at, int k) const {
        return field_.block(2 * at.row + k / 2, 2 * at.column + k % 2);
    }
    Motion motion_at(int y, int x) const {
        const std::size_t macroblock = field_.at(y / 2, x / 2);
        return {field_.modes[macroblock], field_.filters[macroblock], field_.block(y, x)};
    }
    Motion from_previous_field(int row, int column, const Motion& without) const;
    // Vectors that are not coded, of kinds 4 and 5 (`all` false: kinds 0..3).
    void derive(const Surroundings& at, bool all) const;

    template <typename Source>
    Vector get_difference(Vector predicted, const Corners& corners, int set, Source& source) const;

    int difference_row(int set) const { return base_ + kDifferenceRow + 16 * set; }
    static int x_row(const Corners& corners, int dy) {
        const int size = std::abs(dy) == 0 ? 0 : std::abs(dy) <= 3 ? 1 : 2;
        return 4 + 3 * corners.spread_x() + size;
    }

    MotionField& field_;
    MotionContext context_;
    int base_;  // row of the quality's class
    std::vector<std::uint8_t> fresh_;
};

namespace motion_detail {

inline Vector& vector_of(Pair& pair, bool of_key) { return of_key ? pair.key : pair.previous; }
inline Vector vector_of(const Pair& pair, bool of_key) { return of_key ? pair.key : pair.previous; }

// The different ones among the vectors around, in order.
struct Choices {
    Vector of[4];
    int count = 0;
    int pattern;  // 2 p + (1 if `old` is none of the others)

    Choices(const Corners& corners, Vector old) {
        for (const Vector v : {corners.left, corners.up, corners.corner}) add(v);
        const int around = count;
        add(old);
        const auto alike = [](Vector a, Vector b) { return a == b; };
        pattern = 2 * pattern_of(corners.left, corners.up, corners.corner, alike) + count - around;
    }
    int find(Vector v) const { return static_cast<int>(std::find(of, of + count, v) - of); }

  private:
    void add(Vector v) {
        if (find(v) == count) of[count++] = v;
    }
};

inline std::int16_t component_within_limit(std::int64_t value) {
    if (value < -kVectorLimit || value > kVectorLimit)
        throw CorruptStream("a motion vector is too long");
    return static_cast<std::int16_t>(value);
}

}  // namespace motion_detail

template <typename Sink>
void MotionCoder::put_difference(Vector vector, Vector predicted, const Corners& corners, int set,
                                 Sink& sink) const {
    const int dy = vector.y - predicted.y, dx = vector.x - predicted.x, row = difference_row(set);
    sink.put(dy, row + corners.spread_y());
    sink.put(dx, row + x_row(corners, dy));
}

template <typename Source>
Vector MotionCoder::get_difference(Vector predicted, const Corners& corners, int set,
                                   Source& source) const {
    const int row = difference_row(set);
    const std::int16_t y = motion_detail::component_within_limit(
        std::int64_t{predicted.y} + source.get(row + corners.spread_y()));
    const std::int16_t x = motion_detail::component_within_limit(
        std::int64_t{predicted.x} + source.get(row + x_row(corners, y - predicted.y)));
    return {y, x};
}

template <typename Sink>
bool MotionCoder::put(const Surroundings& at, const Macroblock& macroblock, Sink& sink) {
    using namespace motion_detail;
    const std::size_t index = field_.at(at.row, at.column);
    field_.modes[index] = macroblock.mode;
    field_.filters[index] = macroblock.filter;
    for (int k = 0; k < 4; ++k) block_of(at, k) = macroblock.blocks[k];
    const bool whole = macroblock.whole();
    if (whole) {
        const Motion motion{macroblock.mode, macroblock.filter, macroblock.blocks[0]};
        for (int kind = 0; kind < at.count; ++kind) {
            if (!same(motion, at.candidates[kind])) continue;
            sink.put(kind, base_ + at.kind_row);
            for (int k = 0; k < 4; ++k) block_of(at, k) = at.candidates[kind].pair;
            derive(at, false);
            return false;
        }
    }
    sink.put(whole ? 4 : 5, base_ + at.kind_row);
    if (context_.has_key) sink.put(macroblock.mode, base_ + at.mode_row);
    sink.put(macroblock.filter, base_ + at.filter_row);
    const bool of_key = macroblock.mode == kFromKey;
    if (whole) {
        const Corners corners = corners_of_macroblock(at, of_key);
        put_difference(vector_of(macroblock.blocks[0], of_key), corners.median(), corners,
                       kWholeSet, sink);
    } else {
        for (int k = 0; k < 4; ++k) {
            const Corners corners = corners_of_block(at, k, of_key);
            const Choices choices(corners, old_of_block(at, k, of_key, corners.left));
            const Vector vector = vector_of(macroblock.blocks[k], of_key);
            const int choice = choices.find(vector);
            const bool is_new = choice == choices.count;
            sink.put(is_new ? kChoices - 1 : choice, choice_row(k, choices.pattern));
            if (is_new) put_difference(vector, corners.median(), corners, kBlockSet, sink);
        }
    }
    if (macroblock.mode == kAverage) {
        const Vector expected = chain(macroblock.blocks[0].previous, 2 * at.row, 2 * at.column, 2);
        put_difference(macroblock.blocks[0].key, expected, corners_of_macroblock(at, true), kKeySet,
                       sink);
    }
    derive(at, true);
    return true;
}

template <typename Source>
bool MotionCoder::get(const Surroundings& at, Source& source) {
    using namespace motion_detail;
    const std::size_t index = field_.at(at.row, at.column);
    const int kind = source.get(base_ + at.kind_row);
    if (kind >= 0 && kind < at.count) {
        const Motion& motion = at.candidates[kind];
        field_.modes[index] = motion.mode;
        field_.filters[index] = motion.filter;
        for (int k = 0; k < 4; ++k) block_of(at, k) = motion.pair;
        derive(at, false);
        return false;
    }
    if (kind != 4 && kind != 5) throw CorruptStream("a macroblock's kind of motion does not exist");
    const int mode = context_.has_key ? source.get(base_ + at.mode_row) : 0;
    if (mode < 0 || mode >= kModes)
        throw CorruptStream("a macroblock's mode of motion does not exist");
    const int filter = source.get(base_ + at.filter_row);
    if (filter < 0 || filter >= kFilters)
        throw CorruptStream("a macroblock's motion filter does not exist");
    field_.modes[index] = static_cast<std::uint8_t>(mode);
    field_.filters[index] = static_cast<std::uint8_t>(filter);
    const bool of_key = mode == kFromKey;
    if (kind == 4) {
        const Corners corners = corners_of_macroblock(at, of_key);
        const Vector vector = get_difference(corners.median(), corners, kWholeSet, source);
        for (int k = 0; k < 4; ++k) vector_of(block_of(at, k), of_key) = vector;
    } else {
        for (int k = 0; k < 4; ++k) {
            const Corners corners = corners_of_block(at, k, of_key);
            const Choices choices(corners, old_of_block(at, k, of_key, corners.left));
            const int choice = source.get(choice_row(k, choices.pattern));
            if (choice != kChoices - 1 && (choice < 0 || choice >= choices.count)) {
                throw CorruptStream("a block's choice of a motion vector does not exist");
            }
            vector_of(block_of(at, k), of_key) =
                choice == kChoices - 1
                    ? get_difference(corners.median(), corners, kBlockSet, source)
                    : choices.of[choice];
        }
    }
    if (mode == kAverage) {
        const Vector expected = chain(block_of(at, 0).previous, 2 * at.row, 2 * at.column, 2);
        const Vector key =
            get_difference(expected, corners_of_macroblock(at, true), kKeySet, source);
        for (int k = 0; k < 4; ++k) block_of(at, k).key = key;
    }
    derive(at, true);
    return true;
}

}  // namespace streamcodec
