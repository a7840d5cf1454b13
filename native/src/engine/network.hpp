// Integer networks: a program of convolutions on int16 feature maps, checked once, whose results
// are the same everywhere.
//
// A network has slots and stages. A slot is a feature map (height, width, channels) of int16, pixel
// after pixel, around which zeros stand as far as the layers that read it reach. A stage is a list
// of layers that run() goes through; a network may have several, which see the same slots: what one
// leaves there, the next reads.
//
//   Conv          out(y, x, o) = clamp((sum >> shift[o]) + add(y, x, o), low, high)
//                 sum = bias[o] + slope[o] * condition
//                       + sum over t, c of w[o, t, c] * in(s * y + oy + dy[t], s * x + ox + dx[t],
//                       c)
//                 s = stride, (oy, ox) = origin; in() is 0 outside; the shift is arithmetic. slope
//                 and add() are optional; `condition` is a number of the whole run. The output has
//                 ceil((height - oy) / s) rows and ceil((width - ox) / s) columns.
//   DepthToSpace  out(2y + i, 2x + j, c) = in(y, x, (2i + j) * channels + c)
//   SpaceToDepth  out(y, x, (2i + j) * channels + c) = in(2y + i, 2x + j, c), 0 outside
//
// Sums are proven at construction: for each output of a Conv, sum |w| * max_abs(input) + |bias| +
// kMaxCondition * |slope| < 2^31, and what `add` can bring included. So no sum can overflow as long
// as the caller keeps its inputs within their slots' max_abs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/pack.hpp"
#include "platform/cpu.hpp"
#include "platform/team.hpp"

namespace streamcodec::engine {

constexpr std::int32_t kMaxChannels = 4096;
constexpr std::int32_t kMaxReach = 16;  // of a tap, in pixels
constexpr std::int32_t kMaxShift = 24;
constexpr std::int32_t kMaxCondition = 256;

struct Slot {
    std::string name;
    std::int32_t channels = 0;  // 1 .. kMaxChannels
    std::int32_t max_abs = 0;   // 1 .. 32767: no value is beyond +- this
    // The caller gives height and width: an input, or what a DepthToSpace crops to. Else its
    // layers' inputs say it.
    bool is_given = false;
};

struct Tap {
    std::int32_t dy = 0, dx = 0;  // within +-kMaxReach
};

// Some channels, side by side, of a slot.
struct Channels {
    std::size_t slot = 0;  // its place in the list of slots
    std::int32_t first = 0;
};

struct Conv {
    Channels input;
    std::int32_t inputs = 0;  // channels that it reads
    Channels output;          // as many as `bias` has elements
    std::vector<Tap> taps;
    std::int32_t stride = 1;                  // 1 or 2
    std::int32_t origin_y = 0, origin_x = 0;  // 0 .. stride - 1
    std::vector<std::int16_t> weights;        // (outputs, taps, inputs)
    std::vector<std::int32_t> bias;           // holds what rounding adds
    std::vector<std::int32_t> slope;          // as many, or none
    std::vector<std::int32_t> shift;          // 0 .. kMaxShift
    std::int32_t low = 0, high = 0;           // within +- the output's max_abs
    std::optional<Channels> add;
};

struct DepthToSpace {
    Channels input;  // 4 * channels
    Channels output;
    std::int32_t channels = 0;  // of the output
};

struct SpaceToDepth {
    Channels input;
    Channels output;            // 4 * channels
    std::int32_t channels = 0;  // of the input
};

using Layer = std::variant<Conv, DepthToSpace, SpaceToDepth>;

struct Stage {
    std::string name;
    std::vector<Layer> layers;
};

struct Size {
    std::int32_t height = 0, width = 0;
};

// How far layers look beyond the edges of a slot, in pixels.
struct Border {
    std::int32_t top = 0, left = 0, bottom = 0, right = 0;
};

class Workspace;

class Network {
  public:
    // Throws BadArgument, with the stage and layer in the message, for a program that is not sound:
    // a slot or channel that does not exist, is read before it is written or written twice in a
    // stage; numbers out of their ranges; a sum that could overflow.
    Network(std::vector<Slot> slots, std::vector<Stage> stages);
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
    ~Network();

    const std::vector<Slot>& slots() const { return slots_; }
    const std::vector<Stage>& stages() const { return stages_; }
    const std::vector<Border>& borders() const { return borders_; }  // of each slot

    // The place of the slot or stage of this name. Throws BadArgument if there is none.
    std::size_t slot_named(const std::string& name) const;
    std::size_t stage_named(const std::string& name) const;

    // The size of every slot, from those of the slots that are given ({0, 0} elsewhere in `given`,
    // which is as long as slots()). Throws BadArgument if a given size is not accepted or does not
    // fit the layers.
    std::vector<Size> sizes(const std::vector<Size>& given) const;

    // Runs the stage's layers on what the workspace holds. condition: within +-kMaxCondition. The
    // instruction set and the team make no difference to the results. Throws BadArgument for a
    // stage that does not exist, and for a workspace of another network or without sizes.
    void run(std::size_t stage, std::int32_t condition, Workspace& workspace, Team& team,
             InstructionSet set) const;
    void run(std::size_t stage, std::int32_t condition, Workspace& workspace, Team& team,
             const Kernels& kernels) const;

    // Multiplications of a stage with slots of these sizes.
    std::uint64_t multiplications(std::size_t stage, const std::vector<Size>& sizes) const;

  private:
    // The numbers of a stage's layers as these loops want them, made at the first call.
    const std::vector<PackedConv>& packed(std::size_t stage, const Kernels& kernels) const;

    std::vector<Slot> slots_;
    std::vector<Stage> stages_;
    std::vector<Border> borders_;
    mutable std::mutex mutex_;
    mutable std::map<const Kernels*, std::vector<std::vector<PackedConv>>> packed_;
};

}  // namespace streamcodec::engine
