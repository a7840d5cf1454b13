#include "motion/macroblock_search.hpp"

#include <algorithm>
#include <cstdlib>

#include "motion/filters.hpp"

namespace streamcodec {

namespace {

bool legal(int y, int x) { return std::abs(y) <= kVectorLimit && std::abs(x) <= kVectorLimit; }

// The nearest vector of whole pixels.
Vector whole_of(Vector v) {
    return {static_cast<std::int16_t>((v.y + 2) & ~3), static_cast<std::int16_t>((v.x + 2) & ~3)};
}

}  // namespace

void MacroblockSearch::run(int row, int column) {
    at_ = coder_.look(row, column);
    y_ = row * kMacroblock;
    x_ = column * kMacroblock;
    best_score_ = INT64_MAX;
    merge_candidates();
    const std::uint32_t new_cost = std::min(frame_.costs.of(4, coder_.kind_row(at_)),
                                            frame_.costs.of(5, coder_.kind_row(at_)));
    if (!cannot_improve(new_cost)) {
        search_previous();
        if (frame_.references[1] != nullptr && !is_unlikely_to_improve(new_cost)) search_key();
        search_split();
        search_filters();
    }
    Bits nothing{frame_.costs};
    coder_.commit(at_, coder_.put(at_, best_, nothing));
}

MacroblockSearch::Probe MacroblockSearch::probe_of(int mode, int filter, int block,
                                                   const std::uint8_t* partner) const {
    const int down = block > 1 ? 8 : 0, right = block == 1 || block == 3 ? 8 : 0;
    return {frame_.references[mode == kFromKey ? 1 : 0],
            filter,
            y_ + down,
            x_ + right,
            block < 0 ? 16 : 8,
            partner};
}

// The prediction of a block: in `buffer`, rows of 16, or where it is in the plane.
const std::uint8_t* MacroblockSearch::fetch(const Probe& probe, Vector v, std::uint8_t* buffer,
                                            std::ptrdiff_t& stride) const {
    const int y = std::clamp(probe.y + (v.y >> 2), -probe.side - 8, probe.plane->height() + 8);
    const int x = std::clamp(probe.x + (v.x >> 2), -probe.side - 8, probe.plane->width() + 8);
    const Pixels from{probe.plane->row(y) + x, probe.plane->stride()};
    const int fy = v.y & 3, fx = v.x & 3;
    if (fy == 0 && fx == 0 && probe.filter == 0) {
        stride = from.stride;
        return from.at;
    }
    frame_.kernels.luma(from, kLumaTaps[probe.filter][fx], kLumaTaps[probe.filter][fy], buffer, 16,
                        probe.side, probe.side);
    stride = 16;
    return buffer;
}

// The same always in `buffer`.
void MacroblockSearch::copy_prediction(const Probe& probe, Vector v, std::uint8_t* buffer) const {
    std::ptrdiff_t stride = 16;
    const std::uint8_t* const from = fetch(probe, v, buffer, stride);
    if (from == buffer) return;
    for (int y = 0; y < probe.side; ++y)
        std::copy(from + y * stride, from + y * stride + probe.side, buffer + 16 * y);
}

std::uint32_t MacroblockSearch::error_of(const Probe& probe, Vector v) const {
    alignas(64) std::uint8_t buffer[256];
    std::ptrdiff_t stride = 16;
    const std::uint8_t* from = buffer;
    if (probe.partner == nullptr) {
        from = fetch(probe, v, buffer, stride);
    } else {
        copy_prediction(probe, v, buffer);
        const int down = probe.y - y_, right = probe.x - x_;
        alignas(64) std::uint8_t partner[256];
        for (int y = 0; y < probe.side; ++y) {
            const std::uint8_t* const line = probe.partner + 16 * (down + y) + right;
            std::copy(line, line + probe.side, partner + 16 * y);
        }
        frame_.kernels.average(buffer, partner, 16 * probe.side);
    }
    const Pixels wanted{frame_.current.row(probe.y) + probe.x, frame_.current.stride()};
    return (probe.side == 16 ? frame_.kernels.ssd16 : frame_.kernels.ssd8)(wanted, {from, stride});
}

std::uint32_t MacroblockSearch::error_of(const Macroblock& m) const {
    const auto vector = [&](int k) {
        return m.mode == kFromKey ? m.blocks[k].key : m.blocks[k].previous;
    };
    alignas(64) std::uint8_t buffer[256];
    const std::uint8_t* partner = nullptr;
    if (m.mode == kAverage) {
        copy_prediction(probe_of(kFromKey, m.filter, -1), m.blocks[0].key, buffer);
        partner = buffer;
    }
    if (m.whole()) return error_of(probe_of(m.mode, m.filter, -1, partner), vector(0));
    std::uint32_t sum = 0;
    for (int k = 0; k < 4; ++k) sum += error_of(probe_of(m.mode, m.filter, k, partner), vector(k));
    return sum;
}

void MacroblockSearch::consider(const Macroblock& macroblock) {
    const Score error = 4096 * Score{error_of(macroblock)};
    if (error >= best_score_) return;
    Bits bits{frame_.costs};
    coder_.put(at_, macroblock, bits);
    const Score score = error + rate(bits.sum);
    if (score >= best_score_) return;
    best_ = macroblock;
    best_score_ = score;
    best_error_ = error;
}

void MacroblockSearch::merge_candidates() {
    for (int k = 0; k < at_.count; ++k) consider(Macroblock::of(at_.candidates[k]));
}

// Vectors from which a search may start.
void MacroblockSearch::gather(std::vector<Vector>& starts, int reference) const {
    starts.clear();
    const auto add = [&](Vector v) {
        if (std::find(starts.begin(), starts.end(), v) == starts.end()) starts.push_back(v);
    };
    add({});
    for (const Motion* m : {&at_.left, &at_.up, &at_.corner})
        add(reference ? m->pair.key : m->pair.previous);
    if (frame_.coarse[reference].empty()) return;
    const MotionField& field = coder_.field();
    const int row = at_.row, column = at_.column;
    const auto near = [&](int r, int c) {
        r = std::clamp(r, 0, field.rows - 1);
        c = std::clamp(c, 0, field.columns - 1);
        return frame_.coarse[reference][field.at(r, c)];
    };
    for (const auto& [dr, dc] : {std::pair{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, -1}})
        add(near(row + dr, column + dc));
    if (reference == 0 && coder_.context().previous != nullptr) {
        add(coder_.context().previous->block(2 * row, 2 * column).previous);
    }
}

template <typename Cost>
Vector MacroblockSearch::descend(const Probe& probe, Vector start, Score least,
                                 const Cost& cost) const {
    static constexpr Vector kSteps[8] = {{-1, 0},  {1, 0},  {0, -1}, {0, 1},
                                         {-1, -1}, {-1, 1}, {1, -1}, {1, 1}};
    Vector best = start;
    const auto attempt = [&](int y, int x) {
        if (!legal(y, x)) return false;
        const Vector v{static_cast<std::int16_t>(y), static_cast<std::int16_t>(x)};
        const Score floor = rate(cost(v));
        if (floor >= least) return false;
        const Score score = 4096 * Score{error_of(probe, v)} + floor;
        if (score >= least) return false;
        least = score;
        best = v;
        return true;
    };
    const auto around = [&](Vector centre, int step, int count) {
        bool better = false;
        for (int k = 0; k < count; ++k) {
            better |= attempt(centre.y + step * kSteps[k].y, centre.x + step * kSteps[k].x);
        }
        return better;
    };
    // Up and down, then left and right of the best so far.
    const auto cross = [&](int step) {
        const Vector centre = best;
        attempt(centre.y - step, centre.x);
        attempt(centre.y + step, centre.x);
        const Vector middle = best;
        attempt(middle.y, middle.x - step);
        attempt(middle.y, middle.x + step);
        return best != centre;
    };
    const SearchEffort& effort = frame_.effort;
    const int points = effort.diagonal ? 8 : 4;
    if (probe.side == 8) {
        for (int step = effort.block_step; step >= 8; step /= 2) around(whole_of(best), step, 8);
    }
    for (int turn = 0; turn < effort.whole_turns && around(whole_of(best), 4, points); ++turn) {
    }
    cross(2);
    if (effort.diagonal) {
        around(best, 1, 8);
    } else {
        cross(1);
    }
    return best;
}

// The best vector of the macroblock for one reference; `fixed` are the costs besides the difference
// to `expected`.
Vector MacroblockSearch::search_whole(int mode, const std::vector<Vector>& starts,
                                      std::uint32_t fixed, const Corners& corners, Vector expected,
                                      int set, const std::uint8_t* partner) {
    const Probe probe = probe_of(mode, 0, -1, partner);
    const DifferenceCosts difference =
        coder_.difference_costs(frame_.costs, expected, corners, set);
    const auto cost = [&](Vector v) { return fixed + difference.of(v); };
    Vector best;
    Score least = INT64_MAX;
    for (const Vector start : starts) {
        const Score floor = rate(cost(start));
        if (floor >= least) continue;
        const Score score = 4096 * Score{error_of(probe, start)} + floor;
        if (score < least) {
            least = score;
            best = start;
        }
    }
    return descend(probe, best, least, cost);
}

void MacroblockSearch::search_previous() {
    gather(starts_, 0);
    const Corners corners = coder_.corners_of_macroblock(at_, false);
    whole_[0] = search_whole(kFromPrevious, starts_, frame_.costs.of(4, coder_.kind_row(at_)),
                             corners, corners.median(), MotionCoder::kWholeSet, nullptr);
    consider(Macroblock::of({kFromPrevious, 0, {whole_[0], {}}}));
}

void MacroblockSearch::search_key() {
    gather(starts_, 1);
    const Vector chained = coder_.chain(whole_[0], 2 * at_.row, 2 * at_.column, 2);
    if (std::find(starts_.begin(), starts_.end(), chained) == starts_.end())
        starts_.push_back(chained);
    const Corners corners = coder_.corners_of_macroblock(at_, true);
    const std::uint32_t fixed = frame_.costs.of(4, coder_.kind_row(at_));
    whole_[1] = search_whole(kFromKey, starts_, fixed, corners, corners.median(),
                             MotionCoder::kWholeSet, nullptr);
    consider(Macroblock::of({kFromKey, 0, {whole_[0], whole_[1]}}));
    consider(Macroblock::of({kAverage, 0, {whole_[0], chained}}));
    consider(Macroblock::of({kAverage, 0, {whole_[0], whole_[1]}}));
    if (frame_.effort.refine_average && best_.mode == kAverage && best_.filter == 0 &&
        best_.whole()) {
        refine_average(fixed);
    }
}

// Looks for each of the two vectors once more, given the prediction by the other.
void MacroblockSearch::refine_average(std::uint32_t fixed) {
    alignas(64) std::uint8_t partner[256];
    Pair pair = best_.blocks[0];
    copy_prediction(probe_of(kFromPrevious, 0, -1), pair.previous, partner);
    pair.key = search_whole(kFromKey, {pair.key}, fixed, coder_.corners_of_macroblock(at_, true),
                            coder_.chain(pair.previous, 2 * at_.row, 2 * at_.column, 2),
                            MotionCoder::kKeySet, partner);
    consider(Macroblock::of({kAverage, 0, pair}));
    pair = best_.blocks[0];
    copy_prediction(probe_of(kFromKey, 0, -1), pair.key, partner);
    const Corners corners = coder_.corners_of_macroblock(at_, false);
    pair.previous = search_whole(kFromPrevious, {pair.previous}, fixed, corners, corners.median(),
                                 MotionCoder::kWholeSet, partner);
    consider(Macroblock::of({kAverage, 0, pair}));
}

// The best vector of one block, given those before it.
Vector MacroblockSearch::search_block(const Probe& probe, const Corners& corners, int block,
                                      Vector whole) {
    const bool of_key = probe.plane == frame_.references[1];
    const motion_detail::Choices choices(corners,
                                         coder_.old_of_block(at_, block, of_key, corners.left));
    const int choice_row = coder_.choice_row(block, choices.pattern);
    const DifferenceCosts difference =
        coder_.difference_costs(frame_.costs, corners.median(), corners, MotionCoder::kBlockSet);
    const std::uint32_t fixed = frame_.costs.of(kChoices - 1, choice_row);
    const auto cost = [&](Vector v) {
        const int choice = choices.find(v);
        if (choice < choices.count) return frame_.costs.of(choice, choice_row);
        return fixed + difference.of(v);
    };
    Vector best;
    Score least = INT64_MAX;
    const auto attempt = [&](Vector v) {
        const Score floor = rate(cost(v));
        if (floor >= least) return;
        const Score score = 4096 * Score{error_of(probe, v)} + floor;
        if (score < least) {
            least = score;
            best = v;
        }
    };
    attempt(whole);
    for (int k = 0; k < choices.count; ++k) attempt(choices.of[k]);
    const std::vector<Vector>& coarse = frame_.coarse[of_key];
    if (!coarse.empty()) {
        const MotionField& field = coder_.field();
        const int r = std::clamp(at_.row + (block > 1 ? 1 : -1), 0, field.rows - 1);
        const int c = std::clamp(at_.column + (block % 2 ? 1 : -1), 0, field.columns - 1);
        attempt(coarse[field.at(r, at_.column)]);
        attempt(coarse[field.at(at_.row, c)]);
    }
    // As of a whole macroblock: not more than half of the error.
    const Score current = rate(cost(best)), error = least - current;
    if (error / 2 + current < rate(fixed)) return best;
    return descend(probe, best, least, cost);
}

void MacroblockSearch::search_split() {
    if (best_.mode != kFromPrevious && !frame_.effort.split_modes) return;
    if (is_unlikely_to_improve(frame_.costs.of(5, coder_.kind_row(at_)))) return;
    Macroblock split = best_;
    const bool of_key = split.mode == kFromKey;
    alignas(64) std::uint8_t buffer[256];
    const std::uint8_t* partner = nullptr;
    if (split.mode == kAverage) {
        copy_prediction(probe_of(kFromKey, split.filter, -1), split.blocks[0].key, buffer);
        partner = buffer;
    }
    for (int k = 0; k < 4; ++k) {
        const Corners corners = coder_.corners_of_block(at_, k, of_key);
        Vector& vector = motion_detail::vector_of(split.blocks[k], of_key);
        vector = search_block(probe_of(split.mode, split.filter, k, partner), corners, k, vector);
        coder_.set_block(at_, k, split.blocks[k]);
    }
    consider(split);
}

void MacroblockSearch::search_filters() {
    Macroblock other = best_;
    for (int filter = 0; filter < kFilters; ++filter) {
        other.filter = static_cast<std::uint8_t>(filter);
        consider(other);
    }
}

}  // namespace streamcodec
