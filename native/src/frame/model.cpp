#include "frame/model.hpp"

#include <algorithm>

#include "platform/error.hpp"

namespace streamcodec::frame {

namespace {

// Padded sizes with an odd and an even number of positions at 1/16, in both directions.
constexpr Geometry kSamples[] = {{16, 16}, {32, 48}, {48, 32}, {64, 80}};

template <typename T>
std::vector<T> checked(View<const T> numbers, const char* name, std::size_t size,
                       std::int32_t least, std::int32_t most) {
    if (numbers.size != size) {
        throw BadArgument(std::string(name) + " has " + std::to_string(numbers.size) +
                          " numbers; accepted: " + std::to_string(size));
    }
    for (const T number : numbers) {
        if (number < least || number > most) {
            throw BadArgument(std::string(name) + " has the number " + std::to_string(number) +
                              "; accepted: " + std::to_string(least) + ".." + std::to_string(most));
        }
    }
    return {numbers.begin(), numbers.end()};
}

std::vector<std::int16_t> checked_log(View<const std::int16_t> log) {
    if (!std::is_sorted(log.begin(), log.end()))
        throw BadArgument("log_table falls; accepted: a table that does not");
    return checked(log, "log_table", kLogEntries, 0, kMaxLog);
}

template <typename T>
T not_null(T pointer, const char* name) {
    if (pointer == nullptr) throw BadArgument(std::string(name) + " is missing");
    return pointer;
}

std::vector<Costs> costs_of_sets(const Tables& tables, std::size_t sets) {
    if (sets < 1 || sets > kMostSets) {
        throw BadArgument("sets of rows are " + std::to_string(sets) + "; accepted: 1.." +
                          std::to_string(kMostSets));
    }
    if (tables.rows().size < sets * kScaleRows) {
        throw BadArgument("tables have " + std::to_string(tables.rows().size) +
                          " rows; accepted: at least 64 for each set");
    }
    std::vector<Costs> all;
    all.reserve(sets);
    all.emplace_back(tables);
    for (std::size_t set = 1; set < sets; ++set) {
        all.emplace_back(tables, Model::first_row_of(tables, sets, set));
    }
    return all;
}

std::string text_of(engine::Size size) {
    return std::to_string(size.height) + "x" + std::to_string(size.width);
}

}  // namespace

engine::Size size_of(const Geometry& size, Grid grid) {
    switch (grid) {
        case Grid::quarter:
            return size.quarter();
        case Grid::eighth:
            return size.eighth();
        case Grid::sixteenth:
            return size.sixteenth();
        case Grid::z:
            break;
    }
    return size.z();
}

Model::Model(const ModelArrays& arrays, std::int32_t max_step, std::vector<Wanted> wanted)
    : network(not_null(arrays.network, "the network")),
      tables(not_null(arrays.tables, "the tables")),
      costs(costs_of_sets(*tables, arrays.sets)),
      row_costs(costs.front(), arrays.adapts),
      step_(checked(arrays.step, "step", kQualities * kChannels, kMinStep, max_step)),
      gain_(checked(arrays.gain, "gain", kQualities * kChannels, 1, kMaxGain)),
      lambda_(checked(arrays.rd_lambda, "rd_lambda", kQualities, 0, kMaxLambda)),
      log_(checked_log(arrays.log_table)),
      wanted_(std::move(wanted)) {
    for (std::size_t m = 0; m < 256; ++m) log_of_magnitude_.push_back(log_[16 * m]);
    check_slots();
}

void Model::check_schedule(const engine::Schedule& schedule) const {
    for (const Geometry& size : kSamples) {
        engine::Workspace workspace(*network);
        resize(workspace, size, schedule, {});
    }
}

void Model::check_slots() const {
    std::size_t given = 0;
    for (const Wanted& want : wanted_) {
        const engine::Slot& slot = network->slots()[network->slot_named(want.name)];
        given += want.is_given;
        const std::string name = "slot " + slot.name + " of the network ";
        if (want.channels == 0 ? slot.channels > kMaxWidth : slot.channels != want.channels) {
            throw BadArgument(name + "has " + std::to_string(slot.channels) +
                              " channels; accepted: " +
                              (want.channels == 0 ? "1.." + std::to_string(kMaxWidth)
                                                  : std::to_string(want.channels)));
        }
        if (slot.max_abs < want.max_abs) {
            throw BadArgument(name + "holds +-" + std::to_string(slot.max_abs) +
                              "; accepted: at least +-" + std::to_string(want.max_abs));
        }
        if (slot.is_given != want.is_given) {
            throw BadArgument(
                name + (want.is_given ? "must have a given size" : "must not have a given size"));
        }
    }
    const auto is_given = [](const engine::Slot& slot) { return slot.is_given; };
    const auto& slots = network->slots();
    if (static_cast<std::size_t>(std::count_if(slots.begin(), slots.end(), is_given)) != given) {
        throw BadArgument("the network has slots of given size that the model does not know");
    }
}

void Model::resize(engine::Workspace& workspace, const Geometry& size,
                   const engine::Schedule& schedule, const std::vector<std::size_t>& arrays) const {
    std::vector<engine::Size> given(network->slots().size());
    for (const Wanted& want : wanted_) {
        if (want.is_given) given[network->slot_named(want.name)] = size_of(size, want.grid);
    }
    workspace.resize(given, schedule, arrays);
    for (const Wanted& want : wanted_) {
        const engine::Size got = workspace.sizes()[network->slot_named(want.name)],
                           right = size_of(size, want.grid);
        if (got.height != right.height || got.width != right.width) {
            throw BadArgument(std::string("slot ") + want.name + " of the network gets " +
                              text_of(got) + " positions; accepted: " + text_of(right) +
                              " for a frame of " + text_of({size.height, size.width}));
        }
    }
}

std::int32_t condition_of(std::int32_t quality) {
    const std::int32_t distance =
        63 - 2 * quality;  // 256 * distance / 63, never half way between two integers
    const std::int32_t magnitude = (512 * (distance < 0 ? -distance : distance) + 63) / 126;
    return distance < 0 ? -magnitude : magnitude;
}

void check_size(const Geometry& size) {
    if (size.height < 1 || size.width < 1 || size.height > kMaxSide || size.width > kMaxSide) {
        throw BadArgument("the frame has " + text_of({size.height, size.width}) +
                          " pixels; accepted: 1.." + std::to_string(kMaxSide) +
                          " in each direction");
    }
}

void check_job(const Job& job) {
    if (job.threads < 1 || job.threads > kMaxThreads) {
        throw BadArgument("threads is " + std::to_string(job.threads) + "; accepted: 1.." +
                          std::to_string(kMaxThreads));
    }
}

void check_quality(std::int32_t quality) {
    if (quality < 0 || quality >= kQualities) {
        throw BadArgument("quality is " + std::to_string(quality) + "; accepted: 0.." +
                          std::to_string(kQualities - 1));
    }
}

std::vector<std::size_t> checked_channels(View<const std::int32_t> channels, const char* name) {
    std::vector<std::size_t> checked;
    std::int32_t last = -1;
    for (const std::int32_t channel : channels) {
        if (channel <= last || channel >= static_cast<std::int32_t>(kChannels)) {
            throw BadArgument(std::string(name) + " has " + std::to_string(channel) + " after " +
                              std::to_string(last) + "; accepted: 0..95, rising");
        }
        checked.push_back(static_cast<std::size_t>(channel));
        last = channel;
    }
    return checked;
}

const Kernels& kernels_for(InstructionSet set) {
#ifdef STREAMCODEC_X86
    if (set == InstructionSet::avx2) return kAvx2;
    if (set == InstructionSet::avx512) return kAvx512;
#endif
    static_cast<void>(set);
    return kScalar;
}

Head read_head(View<const std::uint8_t> payload, std::size_t steps, std::size_t sets,
               bool hadamard) {
    if (payload.size < kHeadSize) throw TruncatedStream("the frame ends within its head");
    const bool is_set = hadamard && (payload[1] & kHadamardFlag) != 0;
    const auto rest = static_cast<std::uint8_t>(payload[1] - (is_set ? kHadamardFlag : 0));
    bool fits = payload[0] < kQualities && rest >> (kSetBits * steps) == 0;
    for (std::size_t step = 0; step < steps; ++step) {
        fits = fits && set_of(rest, step) < sets;
    }
    if (!fits) {
        throw CorruptStream("the frame is damaged: its head is " + std::to_string(payload[0]) +
                            ", " + std::to_string(payload[1]));
    }
    return {payload[0], rest, is_set};
}

std::vector<std::uint8_t> with_head(const Head& head, const std::vector<std::uint8_t>& stream) {
    std::vector<std::uint8_t> payload(kHeadSize + stream.size());
    payload[0] = static_cast<std::uint8_t>(head.quality);
    payload[1] = static_cast<std::uint8_t>(head.sets + (head.hadamard ? kHadamardFlag : 0));
    std::copy(stream.begin(), stream.end(), payload.begin() + kHeadSize);
    return payload;
}

void check_symbols(const Kernels& kernels, const std::int32_t* symbols, std::size_t count) {
    if (!kernels.are_symbols(symbols, count))
        throw CorruptStream("the frame is damaged: a symbol is too large");
}

PixelRow pixels_at(const Picture& picture, std::size_t y) {
    const auto luma = static_cast<int>(4 * y), chroma = static_cast<int>(2 * y);
    return {picture.luma.row(luma), picture.u.row(chroma), picture.v.row(chroma),
            picture.luma.stride(), picture.u.stride()};
}

CellRow cells_at(const engine::Map& map, std::size_t y, std::size_t channel) {
    return {map.at(static_cast<std::ptrdiff_t>(y), 0) + channel, map.row, map.pixel};
}

ConstCellRow const_cells(const CellRow& cells) { return {cells.data, cells.row, cells.pixel}; }

}  // namespace streamcodec::frame
