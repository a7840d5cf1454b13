#include "frame/reference.hpp"

#include <cstring>

#include "frame/bands.hpp"

namespace streamcodec::frame {

namespace {

void copy_plane(const Plane& plane, std::int32_t height, std::int32_t width, std::uint8_t* to) {
    const auto size = static_cast<std::size_t>(width);
    for (std::int32_t y = 0; y < height; ++y)
        std::memcpy(to + static_cast<std::size_t>(y) * size, plane.row(y), size);
}

}  // namespace

void Reference::copy_planes(std::uint8_t* y, std::uint8_t* u, std::uint8_t* v) const {
    const Picture& picture = frame->picture;
    copy_plane(picture.luma, size.height, size.width, y);
    copy_plane(picture.u, (size.height + 1) / 2, (size.width + 1) / 2, u);
    copy_plane(picture.v, (size.height + 1) / 2, (size.width + 1) / 2, v);
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
