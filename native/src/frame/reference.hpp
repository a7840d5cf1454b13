// A decoded frame and what the next one needs of it: an immutable value that its GOP's frames
// share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "frame/adapt.hpp"
#include "frame/geometry.hpp"
#include "frame/pool.hpp"
#include "motion/field.hpp"
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

struct Reference {
    Geometry size;
    std::shared_ptr<const FrameState> frame, key;  // this frame, and the I-frame of its GOP

    bool is_key() const { return frame == key; }
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
