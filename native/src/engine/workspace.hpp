// Where a network works: the feature maps of its slots, kept from frame to frame or, for one
// frame's schedule, in memory that others may have in between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/arrange.hpp"
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

    // The same for slots that are needed for a schedule only, and arrays of the caller's, of so
    // many bytes, that go with them. They lie in memory that bind() names. Throws BadArgument.
    void resize(const std::vector<Size>& given, const Schedule& schedule,
                const std::vector<std::size_t>& arrays);

    // Memory of size_bytes() that starts at a multiple of 64: from now on slots and arrays are
    // there. What is in it does not matter.
    std::size_t size_bytes() const { return size_bytes_; }
    void bind(std::byte* memory);

    template <typename T>
    T* array(std::size_t index) const {
        return reinterpret_cast<T*>(arrays_[index]);
    }

    const Network& network() const { return *network_; }
    bool has_sizes() const { return !sizes_.empty(); }
    bool is_ready_for(std::size_t stage) const;
    const std::vector<Size>& sizes() const { return sizes_; }
    // Valid until the next resize() or bind(). Without data if the schedule does not need it.
    const Map& map(std::size_t slot) const { return maps_[slot]; }
    void clear(std::size_t slot);  // fills the slot with zeros

    // For Network::run(): before it, borders are made zeros again; a run is kept until the sizes
    // or the number of members change.
    void clear_borders(std::size_t stage);
    StageRun& stage_run(std::size_t stage, const Kernels& kernels,
                        const std::vector<PackedConv>& numbers, std::size_t members);

  private:
    void shape(const std::vector<Size>& given);
    std::size_t elements(std::size_t slot) const;
    void clear_border(const Map& map, const Border& border) const;

    const Network* network_;
    std::vector<Size> given_, sizes_;
    std::vector<Border> borders_;
    std::vector<Map> maps_;
    std::vector<Buffer<std::int16_t>> buffers_;  // without a schedule
    Schedule schedule_;
    std::vector<std::optional<std::size_t>> offsets_;  // of slots, with a schedule
    std::vector<std::size_t> array_offsets_;
    std::vector<std::byte*> arrays_;
    std::size_t size_bytes_ = 0;
    bool is_bound_ = false;
    std::map<std::pair<std::size_t, const Kernels*>, std::unique_ptr<StageRun>> runs_;
};

}  // namespace streamcodec::engine
