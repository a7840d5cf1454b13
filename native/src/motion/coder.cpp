#include "motion/coder.hpp"

#include <string>

namespace streamcodec {

MotionCoder::MotionCoder(MotionField& field, const MotionContext& context)
    : field_(field), context_(context), base_(context.quality / 16 * kMotionClassRows) {
    if (context.quality < 0 || context.quality > 63) {
        throw BadArgument("quality is " + std::to_string(context.quality) + "; accepted: 0..63");
    }
    const MotionField* const previous = context.previous;
    if (previous != nullptr &&
        (previous->rows != field.rows || previous->columns != field.columns)) {
        throw BadArgument("the previous motion field is " + std::to_string(previous->rows) + "x" +
                          std::to_string(previous->columns) +
                          " macroblocks; accepted: " + std::to_string(field.rows) + "x" +
                          std::to_string(field.columns) + " like this one");
    }
    fresh_.resize(field.modes.size());
}

Vector MotionCoder::chain(Vector vector, int y, int x, int size) const {
    Vector earlier;
    if (context_.previous != nullptr) {
        const MotionField& field = *context_.previous;
        const int py =
            std::clamp(8 * y + 4 * size + (vector.y >> 2), 0, kMacroblock * field.rows - 1);
        const int px =
            std::clamp(8 * x + 4 * size + (vector.x >> 2), 0, kMacroblock * field.columns - 1);
        earlier = field.block(py / 8, px / 8).key;
    }
    const auto sum = [](int a, int b) {
        return static_cast<std::int16_t>(std::clamp(a + b, -kVectorLimit, kVectorLimit));
    };
    return {sum(vector.y, earlier.y), sum(vector.x, earlier.x)};
}

Motion MotionCoder::from_previous_field(int row, int column, const Motion& without) const {
    if (context_.previous == nullptr) return without;
    const MotionField& field = *context_.previous;
    const std::size_t macroblock = field.at(row, column);
    Motion motion{field.modes[macroblock], field.filters[macroblock],
                  field.block(2 * row, 2 * column)};
    if (!context_.has_key) motion.mode = kFromPrevious;
    motion.pair.key = chain(motion.pair.previous, 2 * row, 2 * column, 2);
    return motion;
}

Surroundings MotionCoder::look(int row, int column) const {
    Surroundings at;
    at.row = row;
    at.column = column;
    const int y = 2 * row, x = 2 * column;
    const bool has_left = column > 0, has_up = row > 0;
    if (has_left) at.left = motion_at(y, x - 1);
    if (has_up) at.up = motion_at(y - 1, x);
    if (!has_left) at.left = at.up;
    if (!has_up) at.up = at.left;
    at.corner = at.up;
    if (has_up && column + 1 < field_.columns)
        at.corner = motion_at(y - 1, x + 2);
    else if (has_up && has_left)
        at.corner = motion_at(y - 1, x - 1);

    const Motion old = from_previous_field(row, column, at.left);
    const auto find = [&at](const Motion& motion) {
        int k = 0;
        while (k < at.count && !same(at.candidates[k], motion)) ++k;
        return k;
    };
    const auto add = [&](const Motion& motion) {
        const int place = find(motion);
        if (place == at.count) at.candidates[at.count++] = motion;
        return place;
    };
    add(at.left);
    add(at.up);
    add(at.corner);
    const int spatial = at.count;
    const int place = add(old);
    add(Motion{0, 0, {}});
    at.count = std::min(at.count, 4);

    const int p = pattern_of(at.left, at.up, at.corner, same);
    const int t = place < spatial ? place : 3;
    const int fresh = (has_left ? fresh_[field_.at(row, column - 1)] : 0) +
                      (has_up ? fresh_[field_.at(row - 1, column)] : 0);
    at.kind_row = kKindRow + (p * 4 + t) * 3 + fresh;
    at.mode_row = kModeRow + 3 * at.left.mode + at.up.mode;
    at.filter_row = kFilterRow + 3 * at.left.filter + at.up.filter;
    return at;
}

Corners MotionCoder::corners_of_block(const Surroundings& at, int block, bool of_key) const {
    const int y = 2 * at.row + block / 2, x = 2 * at.column + block % 2;
    const auto vector = [&](int by, int bx) {
        return motion_detail::vector_of(field_.block(by, bx), of_key);
    };
    Corners corners;
    const bool has_left = x > 0, has_up = y > 0;
    if (has_left) corners.left = vector(y, x - 1);
    if (has_up) corners.up = vector(y - 1, x);
    if (!has_left) corners.left = corners.up;
    if (!has_up) corners.up = corners.left;
    corners.corner = corners.up;
    if (has_up && block != 3 && x + 1 < field_.stride())
        corners.corner = vector(y - 1, x + 1);
    else if (has_up && has_left)
        corners.corner = vector(y - 1, x - 1);
    return corners;
}

Vector MotionCoder::old_of_block(const Surroundings& at, int block, bool of_key,
                                 Vector left) const {
    if (context_.previous == nullptr) return left;
    const int y = 2 * at.row + block / 2, x = 2 * at.column + block % 2;
    return of_key ? chain(corners_of_macroblock(at, false).median(), y, x, 1)
                  : context_.previous->block(y, x).previous;
}

void MotionCoder::derive(const Surroundings& at, bool all) const {
    const std::uint8_t mode = field_.modes[field_.at(at.row, at.column)];
    if (mode == kFromPrevious) {
        for (int k = 0; k < 4; ++k) {
            Pair& pair = block_of(at, k);
            pair.key = chain(pair.previous, 2 * at.row + k / 2, 2 * at.column + k % 2, 1);
        }
    } else if (mode == kFromKey && all) {
        const Vector median = corners_of_macroblock(at, false).median();
        for (int k = 0; k < 4; ++k) block_of(at, k).previous = median;
    }
}

}  // namespace streamcodec
