#include "motion/search.hpp"

#include <algorithm>
#include <cstring>

#include "error.hpp"
#include "motion/coder.hpp"
#include "motion/dispatch.hpp"
#include "motion/filters.hpp"

namespace streamcodec {

namespace {

constexpr std::uint32_t kLambdas16[64] = {
    15605, 13877, 12340, 10974, 9759, 8678, 7717, 6862, 6103, 5427, 4826, 4292, 3816, 3394, 3018, 2684,
    2387,  2122,  1887,  1678,  1492, 1327, 1180, 1050, 933,  830,  738,  656,  584,  519,  462,  410,
    365,   325,   289,   257,   228,  203,  180,  161,  143,  127,  113,  100,  89,   79,   71,   63,
    56,    50,    44,    39,    35,   31,   28,   25,   22,   19,   17,   15,   14,   12,   11,   10};

using Score = std::int64_t;  // squared error * 4096 + lambda_16 * (bits * 256)

struct Found {
    Macroblock macroblock;
    Score score = INT64_MAX;
};

class Searcher {
  public:
    Searcher(MotionCoder& coder, const MotionCosts& costs, const Plane& current, const Plane& previous,
             const Plane* key, const MotionKernels& kernels, Score lambda)
        : coder_(coder),
          costs_(costs),
          current_(current),
          planes_{&previous, key},
          kernels_(kernels),
          lambda_(lambda) {}

    void search(int row, int column) {
        at_ = coder_.look(row, column);
        y_ = row * kMacroblock;
        x_ = column * kMacroblock;
        best_ = {};
        for (int k = 0; k < at_.count; ++k) consider(Macroblock::of(at_.candidates[k]));
        const Vector whole = refine(kFromPrevious, 0, -1, start_of(kFromPrevious));
        Motion motion{kFromPrevious, 0, {whole, {}}};
        consider(Macroblock::of(motion));
        if (planes_[1] != nullptr) {
            const Vector key = refine(kFromKey, 0, -1, coder_.chain(whole, 2 * row, 2 * column, 2));
            consider(Macroblock::of({kFromKey, 0, {whole, key}}));
            consider(Macroblock::of({kAverage, 0, {whole, key}}));
        }
        Macroblock split = best_.macroblock;
        if (split.mode == kFromPrevious) {
            for (int k = 0; k < 4; ++k)
                split.blocks[k].previous = refine(split.mode, split.filter, k, split.blocks[k].previous);
            consider(split);
        }
        Macroblock blurred = best_.macroblock;
        for (int filter = 0; filter < kFilters; ++filter) {
            blurred.filter = static_cast<std::uint8_t>(filter);
            consider(blurred);
        }
        CostSink nothing(costs_);
        coder_.commit(at_, coder_.put(at_, best_.macroblock, nothing));
    }

  private:
    struct Bits {
        const MotionCosts& costs;
        std::uint32_t cost = 0;
        void put(std::int32_t symbol, int row) { cost += costs.of(symbol, row); }
    };

    void consider(const Macroblock& macroblock) {
        const Score error = 4096 * Score{error_of(macroblock)};
        if (error >= best_.score) return;
        Bits bits{costs_};
        coder_.put(at_, macroblock, bits);
        const Score score = error + lambda_ * bits.cost;
        if (score < best_.score) best_ = {macroblock, score};
    }

    Vector start_of(int mode) {
        Vector start;
        std::uint32_t least = UINT32_MAX;
        const auto attempt = [&](Vector v) {
            const std::uint32_t error = error_of(mode, 0, -1, v);
            if (error < least) least = error, start = v;
        };
        attempt({});
        for (const Motion& m : {at_.left, at_.up, at_.corner}) attempt(m.pair.previous);
        return start;
    }

    // Descends from `start`; block -1 is the whole macroblock.
    Vector refine(int mode, int filter, int block, Vector start) {
        const Corners corners = coder_.corners_of_macroblock(at_, mode == kFromKey);
        const Vector expected = corners.median();
        const auto score = [&](Vector v) {
            return 4096 * Score{error_of(mode, filter, block, v)} +
                   lambda_ * 256 * (length(v.y - expected.y) + length(v.x - expected.x));
        };
        Vector best = start;
        Score least = score(start);
        for (const int step : {16, 4, 2, 1}) {
            for (int turn = 0; turn < 8; ++turn) {
                const Vector centre = best;
                for (const auto& d : {Vector{-1, 0}, Vector{1, 0}, Vector{0, -1}, Vector{0, 1}, Vector{-1, -1},
                                      Vector{-1, 1}, Vector{1, -1}, Vector{1, 1}}) {
                    const int vy = centre.y + d.y * step, vx = centre.x + d.x * step;
                    if (std::max(std::abs(vy), std::abs(vx)) > kVectorLimit) continue;
                    const Vector v{static_cast<std::int16_t>(vy), static_cast<std::int16_t>(vx)};
                    const Score s = score(v);
                    if (s < least) least = s, best = v;
                }
                if (best == centre) break;
            }
        }
        return best;
    }

    static int length(int difference) {
        int bits = 1;
        for (int rest = std::abs(difference); rest > 0; rest >>= 1) bits += 2;
        return bits;
    }

    std::uint32_t error_of(const Macroblock& m) {
        if (m.whole()) return error_of(m.mode, m.filter, -1, m.blocks[0]);
        std::uint32_t sum = 0;
        for (int k = 0; k < 4; ++k) sum += error_of(m.mode, m.filter, k, m.blocks[k]);
        return sum;
    }

    std::uint32_t error_of(int mode, int filter, int block, Vector v) {
        return error_of(mode, filter, block, Pair{v, v});
    }

    std::uint32_t error_of(int mode, int filter, int block, const Pair& pair) {
        const int y = y_ + (block > 1 ? 8 : 0), x = x_ + (block == 1 || block == 3 ? 8 : 0), side = block < 0 ? 16 : 8;
        const Pixels wanted{current_.row(y) + x, current_.stride()};
        const auto ssd = block < 0 ? kernels_.ssd16 : kernels_.ssd8;
        alignas(64) std::uint8_t first[256], second[256];
        fetch(*planes_[mode == kFromKey], mode == kFromKey ? pair.key : pair.previous, filter, y, x, side, first);
        if (mode == kAverage) {
            fetch(*planes_[1], pair.key, filter, y, x, side, second);
            for (int k = 0; k < 16 * side; ++k) first[k] = static_cast<std::uint8_t>((first[k] + second[k] + 1) >> 1);
        }
        return ssd(wanted, {first, 16});
    }

    void fetch(const Plane& plane, Vector v, int filter, int y, int x, int side, std::uint8_t* to) {
        const int py = std::clamp(y + (v.y >> 2), -side - 8, plane.height() + 8);
        const int px = std::clamp(x + (v.x >> 2), -side - 8, plane.width() + 8);
        kernels_.luma({plane.row(py) + px, plane.stride()}, kLumaTaps[filter][v.x & 3], kLumaTaps[filter][v.y & 3], to,
                      16, side, side);
    }

    MotionCoder& coder_;
    const MotionCosts& costs_;
    const Plane& current_;
    const Plane* planes_[2];
    const MotionKernels& kernels_;
    const Score lambda_;
    Surroundings at_;
    int y_ = 0, x_ = 0;
    Found best_;
};

}  // namespace

SearchPreset search_preset_named(const std::string& name) {
    if (name == "fast") return SearchPreset::fast;
    if (name == "medium") return SearchPreset::medium;
    if (name == "slow") return SearchPreset::slow;
    throw BadArgument("preset is '" + name + "'; accepted: fast, medium, slow");
}

std::uint32_t motion_lambda_16(int quality) {
    if (quality < 0 || quality > 63) {
        throw BadArgument("quality is " + std::to_string(quality) + "; accepted: 0..63");
    }
    return kLambdas16[quality];
}

MotionField search_motion(const Plane& current, const Plane& previous, const Plane* key, const MotionContext& context,
                          const MotionCosts& costs, const SearchOptions& options) {
    MotionField field(current.height() / kMacroblock, current.width() / kMacroblock);
    for (const Plane* plane : {&previous, key}) {
        if (plane != nullptr && (plane->height() != current.height() || plane->width() != current.width())) {
            throw BadArgument("a reference is " + std::to_string(plane->height()) + "x" +
                              std::to_string(plane->width()) + "; accepted: the size of the frame, " +
                              std::to_string(current.height()) + "x" + std::to_string(current.width()));
        }
    }
    if (context.has_key && key == nullptr) throw BadArgument("the context has a key frame; none was given");
    MotionCoder coder(field, context);
    const Score lambda = options.lambda_16 ? options.lambda_16 : motion_lambda_16(context.quality);
    Searcher searcher(coder, costs, current, previous, context.has_key ? key : nullptr, motion_kernels_for(options.set),
                      lambda);
    for (int row = 0; row < field.rows; ++row) {
        for (int column = 0; column < field.columns; ++column) searcher.search(row, column);
    }
    return field;
}

}  // namespace streamcodec
