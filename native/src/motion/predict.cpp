#include "motion/predict.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "motion/dispatch.hpp"
#include "motion/filters.hpp"
#include "platform/error.hpp"
#include "platform/team.hpp"

namespace streamcodec {

namespace {

// What decides a block's prediction.
struct Source {
    std::uint8_t mode, filter;
    Pair pair;

    bool operator==(const Source& other) const {
        return mode == other.mode && filter == other.filter &&
               (mode == kFromKey || pair.previous == other.pair.previous) &&
               (mode == kFromPrevious || pair.key == other.pair.key);
    }
};

Source source_of(const MotionField& field, int y, int x) {
    y = std::clamp(y, 0, 2 * field.rows - 1);
    x = std::clamp(x, 0, 2 * field.columns - 1);
    const std::size_t macroblock = field.at(y / 2, x / 2);
    return {field.modes[macroblock], field.filters[macroblock], field.block(y, x)};
}

// Where a run of cells is, in pixels of its plane.
struct Place {
    int y, x, height, width;
};

// kTaps 8 for luma, 4 for chroma.
template <int kTaps>
class PlanePredictor {
  public:
    static constexpr int kCell = kTaps;  // 8x8 and 4x4 pixels
    static constexpr int kMaxRun = 32;   // pixels side by side in one call

    PlanePredictor(const MotionField& field, const MotionKernels& kernels, const Plane& previous,
                   const Plane* key, Plane& out)
        : field_(field), kernels_(kernels), previous_(previous), key_(key), out_(out) {}

    // The cells between the centres of block rows row - 1 and row, row in 0..2 rows of macroblocks.
    void predict_row(int row) {
        const int cells = field_.stride() + 1;
        std::array<Source, 4> corners{};
        corners[1] = source_of(field_, row - 1, -1);
        corners[3] = source_of(field_, row, -1);
        for (int column = 0, start = 0; column < cells; ++column) {
            corners[0] = corners[1];
            corners[2] = corners[3];
            corners[1] = source_of(field_, row - 1, column);
            corners[3] = source_of(field_, row, column);
            const bool alike =
                corners[0] == corners[1] && corners[0] == corners[2] && corners[0] == corners[3];
            if (!alike) {
                flush(row, start, column, corners[0]);
                blend({row * kCell - kCell / 2, column * kCell - kCell / 2, kCell, kCell}, corners);
                start = column + 1;
            } else if ((column + 1 - start) * kCell == kMaxRun || column + 1 == cells) {
                flush(row, start, column + 1, corners[0]);
                start = column + 1;
            }
        }
    }

  private:
    // Cells start .. end - 1, whose corners are all alike.
    void flush(int row, int start, int end, const Source& source) {
        if (start == end) return;
        const Place place{row * kCell - kCell / 2, start * kCell - kCell / 2, kCell,
                          (end - start) * kCell};
        make(place, source, out_.row(place.y) + place.x, out_.stride());
    }

    void make(Place place, const Source& source, std::uint8_t* to, std::ptrdiff_t stride) {
        if (source.mode != kAverage) {
            const bool from_key = source.mode == kFromKey;
            fetch(place, from_key ? *key_ : previous_,
                  from_key ? source.pair.key : source.pair.previous, source.filter, to, stride);
            return;
        }
        // One after the other, so that the mean is taken of rows without gaps.
        alignas(64) std::uint8_t first[kCell * kMaxRun], second[kCell * kMaxRun];
        fetch(place, previous_, source.pair.previous, source.filter, first, place.width);
        fetch(place, *key_, source.pair.key, source.filter, second, place.width);
        kernels_.average(first, second, place.height * place.width);
        for (int y = 0; y < place.height; ++y) {
            std::copy_n(first + y * place.width, place.width, to + y * stride);
        }
    }

    void fetch(Place place, const Plane& plane, Vector vector, int filter, std::uint8_t* to,
               std::ptrdiff_t stride) {
        constexpr int kBits = kTaps == 8 ? 2 : 3;  // of the fraction
        constexpr int kMask = (1 << kBits) - 1;
        // Beyond these bounds all pixels that are read are the same ones of the border.
        const int y = std::clamp(place.y + (vector.y >> kBits), -place.height - kTaps,
                                 plane.height() + kTaps);
        const int x =
            std::clamp(place.x + (vector.x >> kBits), -place.width - kTaps, plane.width() + kTaps);
        const Pixels from{plane.row(y) + x, plane.stride()};
        const int fy = vector.y & kMask, fx = vector.x & kMask;
        if constexpr (kTaps == 8) {
            kernels_.luma(from, kLumaTaps[filter][fx], kLumaTaps[filter][fy], to, stride,
                          place.width, place.height);
        } else {
            kernels_.chroma(from, kChromaTaps[filter][fx], kChromaTaps[filter][fy], to, stride,
                            place.width, place.height);
        }
    }

    void blend(Place place, const std::array<Source, 4>& corners) {
        alignas(64) std::uint8_t parts[4][kCell * kCell];
        const std::uint8_t* part_of[4] = {};
        for (std::size_t corner = 0; corner < 4; ++corner) {
            std::size_t same = 0;
            while (!(corners[same] == corners[corner])) ++same;
            if (same == corner) make(place, corners[corner], parts[corner], kCell);
            part_of[corner] = parts[same];
        }
        const auto blended = kTaps == 8 ? kernels_.blend8 : kernels_.blend4;
        blended(part_of, out_.row(place.y) + place.x, out_.stride());
    }

    const MotionField& field_;
    const MotionKernels& kernels_;
    const Plane& previous_;
    const Plane* key_;
    Plane& out_;
};

void check(const MotionField& field, const Picture& picture, const char* name) {
    if (picture.rows() != field.rows || picture.columns() != field.columns) {
        throw BadArgument(std::string(name) + " is " + std::to_string(picture.rows()) + "x" +
                          std::to_string(picture.columns()) +
                          " macroblocks; the motion field has " + std::to_string(field.rows) + "x" +
                          std::to_string(field.columns));
    }
}

}  // namespace

void predict(const MotionField& field, const Picture& previous, const Picture* key, Picture& out,
             InstructionSet set, Team* team) {
    field.check();
    check(field, previous, "the previous frame");
    if (key != nullptr) check(field, *key, "the key frame");
    check(field, out, "the prediction");
    if (key == nullptr &&
        std::any_of(field.modes.begin(), field.modes.end(), [](int mode) { return mode != 0; })) {
        throw BadArgument("the motion field uses a key frame; none was given");
    }
    const MotionKernels& kernels = motion_kernels_for(set);
    const int rows = 2 * field.rows + 1;
    const auto each = [&](int row) {
        PlanePredictor<8>(field, kernels, previous.luma, key ? &key->luma : nullptr, out.luma)
            .predict_row(row);
        PlanePredictor<4>(field, kernels, previous.u, key ? &key->u : nullptr, out.u)
            .predict_row(row);
        PlanePredictor<4>(field, kernels, previous.v, key ? &key->v : nullptr, out.v)
            .predict_row(row);
    };
    if (team == nullptr) {
        for (int row = 0; row < rows; ++row) each(row);
    } else {
        std::atomic<int> next{0};
        team->run([&](std::size_t) {
            for (int row = next++; row < rows; row = next++) each(row);
        });
    }
    out.luma.extend();
    out.u.extend();
    out.v.extend();
}

}  // namespace streamcodec
