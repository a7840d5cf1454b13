// What the models of I-frames and P-frames share: their numbers, checked once, and how a network is
// run on a frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coder/tables.hpp"
#include "engine/network.hpp"
#include "engine/workspace.hpp"
#include "frame/adapt.hpp"
#include "frame/geometry.hpp"
#include "frame/kernels/kernels.hpp"
#include "frame/quantiser.hpp"
#include "frame/reference.hpp"
#include "frame/sets.hpp"
#include "frame/spares.hpp"
#include "platform/cpu.hpp"
#include "platform/team.hpp"
#include "platform/view.hpp"

namespace streamcodec::frame {

constexpr std::int32_t kQualities = 64;
constexpr std::int32_t kMinStep = 64, kMaxStepInter = 65535, kMaxStepIntra = 24576;  // 1/128 pixel
constexpr std::int32_t kMaxGain = 1 << 18;
constexpr std::int32_t kMaxLambda = 1 << 20;
constexpr std::int32_t kMaxLog = 8191;
constexpr std::int32_t kMaxWidth = 256;  // channels whose number is free
constexpr std::size_t kMaxThreads = 256;

// As streamcodec/codec/dct_weights.py describes them.
struct ModelArrays {
    std::shared_ptr<const engine::Network> network;
    std::shared_ptr<const Tables> tables;
    View<const std::int32_t> step, gain, rd_lambda;
    View<const std::int16_t> log_table;
    bool adapts = true;    // whether what was coded moves rows (adapt.hpp)
    std::size_t sets = 1;  // of rows (sets.hpp)
};

// Processor time that the parts of a frame take, for benchmarks: of the whole process, so that
// other ones do not disturb.
class Times {
  public:
    // Seconds since the last call, or since the beginning, went into `part`.
    void add(const char* part) {
        const std::clock_t now = std::clock();
        parts_.emplace_back(part, static_cast<double>(now - last_) / CLOCKS_PER_SEC);
        last_ = now;
    }
    const std::vector<std::pair<std::string, double>>& parts() const { return parts_; }

  private:
    std::clock_t last_ = std::clock();
    std::vector<std::pair<std::string, double>> parts_;
};

// How to work: it makes no difference to the results.
struct Job {
    std::size_t threads;  // 1..kMaxThreads
    InstructionSet set;
    Times* times = nullptr;                    // if not null, gets the time of each part
    std::vector<RowCounts>* counts = nullptr;  // likewise what an encoder counts in each step

    void spent(const char* part) const {
        if (times != nullptr) times->add(part);
    }
};

enum class Grid { quarter, eighth, sixteenth, z };
engine::Size size_of(const Geometry& size, Grid grid);

// A slot that a model needs, by its name.
struct Wanted {
    const char* name;
    std::int32_t channels;  // 0: any up to kMaxWidth
    Grid grid;
    std::int32_t max_abs;  // at least; 0: any
    bool is_given;
};

class Model {
  public:
    std::size_t slot(const char* name) const { return network->slot_named(name); }
    std::size_t stage(const char* name) const { return network->stage_named(name); }

    // Gives the slots that a schedule needs, and its arrays of so many bytes, their sizes. Throws
    // BadArgument if a wanted slot gets another size than it should.
    void resize(engine::Workspace& workspace, const Geometry& size,
                const engine::Schedule& schedule, const std::vector<std::size_t>& arrays) const;

    const std::shared_ptr<const engine::Network> network;
    const std::shared_ptr<const Tables> tables;
    const std::vector<Costs> costs;  // in each set of rows
    const RowCosts row_costs;
    std::uint16_t first_row_of(std::size_t set) const {
        return set == 0 ? std::uint16_t{0} : first_row_of(*tables, costs.size(), set);
    }
    static std::uint16_t first_row_of(const Tables& tables, std::size_t sets, std::size_t set) {
        return static_cast<std::uint16_t>(tables.rows().size - kScaleRows * (sets - set));
    }
    const std::int16_t* log() const { return log_.data(); }
    const std::int32_t* step(std::int32_t quality) const { return &step_[at(quality)]; }
    const std::int32_t* gain(std::int32_t quality) const { return &gain_[at(quality)]; }
    std::int32_t lambda(std::int32_t quality) const {
        return lambda_[static_cast<std::size_t>(quality)];
    }
    const std::int16_t* log_of_magnitude() const {
        return log_of_magnitude_.data();
    }  // [m] -> LOG[16 m], m <= 255

    const std::shared_ptr<Spares> spares = shared_spares();

  protected:
    // Throws BadArgument for numbers or slots that are not accepted.
    Model(const ModelArrays& arrays, std::int32_t max_step, std::vector<Wanted> wanted);
    // Throws BadArgument for a network that does not suit a schedule.
    void check_schedule(const engine::Schedule& schedule) const;

  private:
    static std::size_t at(std::int32_t quality) {
        return static_cast<std::size_t>(quality) * kChannels;
    }
    void check_slots() const;

    const std::vector<std::int32_t> step_, gain_, lambda_;
    const std::vector<std::int16_t> log_;
    std::vector<std::int16_t> log_of_magnitude_;
    const std::vector<Wanted> wanted_;
};

// round(256 (1 - 2 quality / 63)): the condition of the networks.
std::int32_t condition_of(std::int32_t quality);

// Throw BadArgument.
void check_size(const Geometry& size);
void check_job(const Job& job);
void check_quality(std::int32_t quality);
// Channels of the latent, rising.
std::vector<std::size_t> checked_channels(View<const std::int32_t> channels, const char* name);

const Kernels& kernels_for(InstructionSet set);

// The head of a payload: quality, and the sets of its steps as sets.hpp says.
constexpr std::size_t kHeadSize = 2;
constexpr std::uint8_t kHadamardFlag = 16;
struct Head {
    std::int32_t quality;
    std::uint8_t sets;
    bool hadamard = false;
};
// Of a frame with so many steps, by weights with so many sets; `hadamard`: whether its flag may be
// set. Throws CorruptStream, TruncatedStream.
Head read_head(View<const std::uint8_t> payload, std::size_t steps, std::size_t sets,
               bool hadamard);
std::vector<std::uint8_t> with_head(const Head& head, const std::vector<std::uint8_t>& stream);

// Throws CorruptStream unless all are within +-kMaxSymbol. `count` is a multiple of 32.
void check_symbols(const Kernels& kernels, const std::int32_t* symbols, std::size_t count);

// Row y of the cells in a picture, and of a slot from a channel on.
PixelRow pixels_at(const Picture& picture, std::size_t y);
CellRow cells_at(const engine::Map& map, std::size_t y, std::size_t channel = 0);
ConstCellRow const_cells(const CellRow& cells);

// Calls work(position of the grid, y, x) for the positions of row `row` of a parity's grid.
template <typename Work>
void for_positions(const Geometry& size, Parity parity, std::size_t row, Work work) {
    const std::size_t columns = size.columns8() / 2;
    const std::size_t y = 2 * row + static_cast<std::size_t>(parity.y),
                      x0 = static_cast<std::size_t>(parity.x);
    for (std::size_t column = 0; column < columns; ++column)
        work(row * columns + column, y, 2 * column + x0);
}

}  // namespace streamcodec::frame
