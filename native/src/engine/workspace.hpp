// Where a network works: the feature maps of its slots, kept from frame to frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "engine/buffer.hpp"
#include "engine/network.hpp"

namespace streamcodec::engine {

// A slot's samples: element (y, x, c) is data[y * row + x * pixel + c]. Strides are in elements,
// pixel >= channels. Rows and columns outside of the size belong to the border: zeros, which the
// caller must leave alone.
struct Map {
    std::int16_t* data = nullptr;
    std::ptrdiff_t row = 0, pixel = 0;
    std::int32_t height = 0, width = 0, channels = 0;

    std::int16_t* at(std::ptrdiff_t y, std::ptrdiff_t x) const {
        return data + y * row + x * pixel;
    }
};

class StageRun;

// One thread at a time works with a workspace. The network must outlive it.
class Workspace {
  public:
    explicit Workspace(const Network& network);
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    ~Workspace();

    // given: as in Network::sizes(). Allocates, and zeroes every slot, only if a size changed.
    // Throws BadArgument.
    void resize(const std::vector<Size>& given);

    const Network& network() const { return *network_; }
    bool has_sizes() const { return !sizes_.empty(); }
    const std::vector<Size>& sizes() const { return sizes_; }
    const Map& map(std::size_t slot) const { return maps_[slot]; }  // valid until the next resize()
    void clear(std::size_t slot);                                   // fills the slot with zeros

    // For Network::run(): kept until the sizes or the number of members change.
    StageRun& stage_run(std::size_t stage, const Kernels& kernels,
                        const std::vector<PackedConv>& numbers, std::size_t members);

  private:
    const Network* network_;
    std::vector<Size> given_, sizes_;
    std::vector<Map> maps_;
    std::vector<Buffer<std::int16_t>> buffers_;
    std::map<std::pair<std::size_t, const Kernels*>, std::unique_ptr<StageRun>> runs_;
};

}  // namespace streamcodec::engine
