// Memory that no frame uses right now, for all models of the process: I-frames and P-frames of a
// stream, and encoder and decoder, take turns in it.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/buffer.hpp"
#include "frame/reference.hpp"
#include "platform/pool.hpp"

namespace streamcodec::frame {

using Memory = engine::Buffer<std::byte>;

struct Spares {
    const std::shared_ptr<Pool<Memory>> memory = std::make_shared<Pool<Memory>>();
    const std::shared_ptr<Pool<FrameState>> states = std::make_shared<Pool<FrameState>>();
};

// The same for all who ask, as long as one of them holds it.
std::shared_ptr<Spares> shared_spares();

// Memory of at least so many bytes; what is in it is left over.
std::shared_ptr<Memory> take_memory(Pool<Memory>& pool, std::size_t size_bytes);

}  // namespace streamcodec::frame
