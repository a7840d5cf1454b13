// A decoded frame and what the next one needs of it: an immutable value that its GOP's frames
// share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "frame/adapt.hpp"
#include "frame/geometry.hpp"
#include "motion/field.hpp"
#include "platform/pool.hpp"
#include "platform/team.hpp"
#include "platform/view.hpp"

namespace streamcodec::frame {

// 4:2:0 pixels: y (height, width), u and v (ceil(height / 2), ceil(width / 2)), rows without gaps.
struct Planes {
    Geometry size;
    const std::uint8_t *y, *u, *v;

    std::int32_t chroma_height() const { return (size.height + 1) / 2; }
    std::int32_t chroma_width() const { return (size.width + 1) / 2; }
};

struct FrameState {
    Picture picture;
    MotionField field;  // of a P-frame
    std::vector<std::uint8_t>
        magnitudes;       // of a P-frame: min(|symbol|, 255) of the latent (h8, w8, 96)
    RowSums row_sums[2];  // of a P-frame: as step A and step B left them
};

// What a B-frame knows beside its two pictures; frame.hpp specifies it.
struct Span {
    std::shared_ptr<const FrameState> future;
    MotionField field;
    std::vector<std::uint8_t> magnitudes;
    RowSums row_sums[2] = {};
};

struct Reference {
    Geometry size;
    std::shared_ptr<const FrameState> frame, key;  // this frame, and the I-frame of its GOP
    std::shared_ptr<const Span> span = nullptr;    // of a B-frame to come: `frame` is the past

    bool is_key() const { return frame == key && span == nullptr; }
    // What the motion of the next frame may refer to besides this one.
    const FrameState& second() const { return span ? *span->future : *key; }
    // Of the frame before, or what stands for it; not of an I-frame.
    const MotionField& field() const { return span ? span->field : frame->field; }
    const std::vector<std::uint8_t>& magnitudes() const {
        return span ? span->magnitudes : frame->magnitudes;
    }
    const RowSums& row_sums(std::size_t step) const {
        return (span ? span->row_sums : frame->row_sums)[step];
    }
    // Copies the pixels that are not padding; the pointers take planes of size.
    void copy_planes(std::uint8_t* y, std::uint8_t* u, std::uint8_t* v) const;
};

// A reference whose pixels come from elsewhere: a decoder on a GPU, or another codec. `planes` have
// size, or what it is padded to; what lacks is padded. Of an I-frame: no key, field, magnitudes and
// row sums. Of a P-frame: all of them; row_sums are step A's and step B's, one after the other.
// Throws BadArgument for what does not fit.
Reference make_reference(const Planes& planes, const Geometry& size, const Reference* key,
                         const MotionField* field, View<const std::uint8_t> magnitudes,
                         View<const std::int32_t> row_sums);

// What a B-frame is coded with: decoded frames of one GOP, `back` frames before it and `ahead`
// behind it. The motion of one of the two leads to the other: that of the future if
// spanned_by_future, else that of the past, a B-frame. Throws BadArgument for what does not fit.
Reference between(const Reference& past, const Reference& future, std::int32_t back,
                  std::int32_t ahead, bool spanned_by_future);

struct Coded {
    std::vector<std::uint8_t> payload;
    Reference reference;
};

// A state whose picture has the padded size; what is in it is left over.
std::shared_ptr<FrameState> take_state(Pool<FrameState>& pool, const Geometry& size);

// Pads by repeating the last row and column.
void fill(Picture& picture, const Planes& planes);

// Repeats the outermost pixels of the planes into their borders.
void extend(Picture& picture, Team& team);

}  // namespace streamcodec::frame
