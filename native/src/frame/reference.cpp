#include "frame/reference.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "frame/bands.hpp"
#include "platform/error.hpp"

namespace streamcodec::frame {

namespace {

void copy_plane(const Plane& plane, std::int32_t height, std::int32_t width, std::uint8_t* to) {
    const auto size = static_cast<std::size_t>(width);
    for (std::int32_t y = 0; y < height; ++y)
        std::memcpy(to + static_cast<std::size_t>(y) * size, plane.row(y), size);
}

bool are_padded_alike(const Geometry& a, const Geometry& b) {
    return a.padded_height() == b.padded_height() && a.padded_width() == b.padded_width();
}

std::string text_of(const Geometry& size) {
    return std::to_string(size.height) + "x" + std::to_string(size.width);
}

void check_p_frame(const Geometry& size, const Reference& key, const MotionField& field,
                   std::size_t magnitudes, std::size_t row_sums) {
    if (!key.is_key() || key.size != size) {
        throw BadArgument("the key frame has " + text_of(key.size) +
                          " pixels; accepted: an I-frame of " + text_of(size));
    }
    if (field.rows != size.padded_height() / kMacroblock ||
        field.columns != size.padded_width() / kMacroblock) {
        throw BadArgument("the motion has " + text_of({field.rows, field.columns}) +
                          " macroblocks, which is not what a frame of " + text_of(size) + " has");
    }
    if (magnitudes != size.latent()) {
        throw BadArgument("magnitudes are " + std::to_string(magnitudes) +
                          "; accepted: " + std::to_string(size.latent()) + ", (h8, w8, 96)");
    }
    if (row_sums != 2 * kRowSums) {
        throw BadArgument("row_sums are " + std::to_string(row_sums) +
                          "; accepted: " + std::to_string(2 * kRowSums) + ", (2, 96, 4, 8)");
    }
    field.check();
}

constexpr std::int32_t kMaxSpan = 8;  // frames from a B-frame to either reference

void check_b_frame(const Reference& past, const Reference& future, std::int32_t back,
                   std::int32_t ahead, bool spanned_by_future) {
    if (past.span || future.span || past.size != future.size || future.is_key() ||
        past.frame == future.frame) {
        throw BadArgument("a B-frame lies between two other frames of one GOP and one size");
    }
    if (past.is_key() && !spanned_by_future) {
        throw BadArgument("an I-frame has no motion that leads to a frame behind it");
    }
    if (back < 1 || ahead < 1 || back > kMaxSpan || ahead > kMaxSpan) {
        throw BadArgument("a B-frame lies " + std::to_string(back) + " frames behind and " +
                          std::to_string(ahead) + " before its references; accepted: 1.." +
                          std::to_string(kMaxSpan));
    }
}

Vector negative(Vector v) {
    return {static_cast<std::int16_t>(-v.y), static_cast<std::int16_t>(-v.x)};
}

// numerator / denominator, which is positive, to the nearest; halves upwards.
std::int16_t rounded_ratio(std::int32_t numerator, std::int32_t denominator) {
    const std::int32_t twice = 2 * numerator + denominator, divisor = 2 * denominator;
    const std::int32_t below = twice % divisor < 0 ? 1 : 0;
    return static_cast<std::int16_t>(twice / divisor - below);
}

// What stands for the field of the frame before: vectors into both references.
MotionField expected_motion(const MotionField& known, std::int32_t back, std::int32_t ahead,
                            bool is_of_future) {
    MotionField field(known.rows, known.columns);
    std::fill(field.modes.begin(), field.modes.end(), static_cast<std::uint8_t>(kAverage));
    for (std::size_t k = 0; k < field.blocks.size(); ++k) {
        const Vector u = is_of_future ? known.blocks[k].previous : negative(known.blocks[k].key);
        field.blocks[k] = {
            {rounded_ratio(u.y * back, back + ahead), rounded_ratio(u.x * back, back + ahead)},
            negative(u)};
    }
    return field;
}

}  // namespace

void Reference::copy_planes(std::uint8_t* y, std::uint8_t* u, std::uint8_t* v) const {
    const Picture& picture = frame->picture;
    copy_plane(picture.luma, size.height, size.width, y);
    copy_plane(picture.u, (size.height + 1) / 2, (size.width + 1) / 2, u);
    copy_plane(picture.v, (size.height + 1) / 2, (size.width + 1) / 2, v);
}

Reference make_reference(const Planes& planes, const Geometry& size, const Reference* key,
                         const MotionField* field, View<const std::uint8_t> magnitudes,
                         View<const std::int32_t> row_sums) {
    if (planes.size.height < size.height || planes.size.width < size.width ||
        !are_padded_alike(planes.size, size)) {
        throw BadArgument("the planes have " + text_of(planes.size) +
                          " pixels; accepted: " + text_of(size) + ", or that padded");
    }
    const bool is_key = key == nullptr;
    if (is_key != (field == nullptr) || is_key != (magnitudes.size == 0) ||
        is_key != (row_sums.size == 0)) {
        throw BadArgument(
            "a P-frame has a key frame, motion, magnitudes and row_sums; an I-frame has none of "
            "them");
    }
    if (!is_key) check_p_frame(size, *key, *field, magnitudes.size, row_sums.size);
    auto state = std::make_shared<FrameState>();
    state->picture = Picture(size.padded_height(), size.padded_width());
    fill(state->picture, planes);
    if (is_key) return {size, state, state};
    state->field = *field;
    state->magnitudes.assign(magnitudes.begin(), magnitudes.end());
    for (const std::size_t step : {0u, 1u}) {
        std::copy_n(row_sums.begin() + step * kRowSums, kRowSums, state->row_sums[step].begin());
    }
    return {size, state, key->frame};
}

Reference between(const Reference& past, const Reference& future, std::int32_t back,
                  std::int32_t ahead, bool spanned_by_future) {
    check_b_frame(past, future, back, ahead, spanned_by_future);
    const FrameState &a = *past.frame, &b = *future.frame;
    auto span = std::make_shared<Span>();
    span->future = future.frame;
    span->field =
        expected_motion(spanned_by_future ? b.field : a.field, back, ahead, spanned_by_future);
    span->magnitudes.resize(past.size.latent());
    if (!past.is_key()) {
        std::transform(a.magnitudes.begin(), a.magnitudes.end(), b.magnitudes.begin(),
                       span->magnitudes.begin(),
                       [](std::uint8_t x, std::uint8_t y) { return std::min(x, y); });
        for (const std::size_t step : {0u, 1u}) {
            std::transform(a.row_sums[step].begin(), a.row_sums[step].end(),
                           b.row_sums[step].begin(), span->row_sums[step].begin(),
                           [](std::int32_t x, std::int32_t y) { return (x >> 1) + (y >> 1); });
        }
    }
    return {past.size, past.frame, past.key, std::move(span)};
}

std::shared_ptr<FrameState> take_state(Pool<FrameState>& pool, const Geometry& size) {
    std::shared_ptr<FrameState> state = pool.take([] { return std::make_unique<FrameState>(); });
    const Plane& luma = state->picture.luma;
    if (luma.height() != size.padded_height() || luma.width() != size.padded_width()) {
        state->picture = Picture(size.padded_height(), size.padded_width());
    }
    return state;
}

void fill(Picture& picture, const Planes& planes) {
    picture.luma.fill(planes.y, planes.size.height, planes.size.width);
    picture.u.fill(planes.u, planes.chroma_height(), planes.chroma_width());
    picture.v.fill(planes.v, planes.chroma_height(), planes.chroma_width());
}

void extend(Picture& picture, Team& team) {
    for_rows(team, 3, [&](std::size_t i) {
        (i == 0 ? picture.luma : i == 1 ? picture.u : picture.v).extend();
    });
}

}  // namespace streamcodec::frame
