// The models and coded frames in tests/data/frames.bin, which tools/golden/make_native_frames.py
// writes and describes.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/network.hpp"
#include "frame/frame.hpp"
#include "samples.hpp"

namespace samples {

class Numbers {
  public:
    explicit Numbers(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        bytes_.assign(std::istreambuf_iterator<char>(file), {});
        if (bytes_.empty()) throw std::runtime_error("cannot read " + path);
    }

    template <typename T>
    std::vector<T> array() {
        std::vector<T> values;
        for (std::uint64_t left = varint(); left > 0;) {
            const std::uint64_t value = varint(), count = (value & 1) != 0 ? varint() : 1;
            const auto magnitude = static_cast<std::int64_t>(value >> 2);
            values.insert(values.end(), count,
                          static_cast<T>((value & 2) != 0 ? -magnitude - 1 : magnitude));
            left -= count;
        }
        return values;
    }
    std::string text() {
        const std::vector<char> letters = array<char>();
        return {letters.begin(), letters.end()};
    }

  private:
    std::uint64_t varint() {
        std::uint64_t number = 0;
        for (int shift = 0;; shift += 7) {
            const auto byte = static_cast<std::uint8_t>(bytes_.at(at_++));
            number |= std::uint64_t{byte & 127u} << shift;
            if (byte < 128) return number;
        }
    }

    std::vector<char> bytes_;
    std::size_t at_ = 0;
};

inline engine::Channels channels_of(const std::vector<std::int32_t>& head, std::size_t at) {
    return {static_cast<std::size_t>(head[at]), head[at + 1]};
}

inline engine::Conv conv_of(const std::vector<std::int32_t>& head, Numbers& numbers) {
    engine::Conv conv;
    conv.input = channels_of(head, 1);
    conv.output = channels_of(head, 3);
    conv.inputs = head[5];
    conv.stride = head[6];
    conv.origin_y = head[7];
    conv.origin_x = head[8];
    conv.low = head[9];
    conv.high = head[10];
    if (head[11] >= 0) conv.add = channels_of(head, 11);
    const auto taps = numbers.array<std::int32_t>();
    for (std::size_t i = 0; i < taps.size(); i += 2) conv.taps.push_back({taps[i], taps[i + 1]});
    conv.weights = numbers.array<std::int16_t>();
    conv.bias = numbers.array<std::int32_t>();
    conv.slope = numbers.array<std::int32_t>();
    conv.shift = numbers.array<std::int32_t>();
    return conv;
}

inline engine::Layer layer_of(Numbers& numbers) {
    const auto head = numbers.array<std::int32_t>();
    if (head[0] == 0) return conv_of(head, numbers);
    const engine::Channels input = channels_of(head, 1), output = channels_of(head, 3);
    if (head[0] == 1) return engine::DepthToSpace{input, output, head[5]};
    return engine::SpaceToDepth{input, output, head[5]};
}

struct Program {
    std::vector<engine::Slot> slots;
    std::vector<engine::Stage> stages;
};

inline Program program_of(Numbers& numbers) {
    const auto counts = numbers.array<std::int32_t>();
    Program program;
    for (std::int32_t i = 0; i < counts[0]; ++i) {
        const std::string name = numbers.text();
        const auto head = numbers.array<std::int32_t>();
        program.slots.push_back({name, head[0], head[1], head[2] != 0});
    }
    for (std::int32_t i = 0; i < counts[1]; ++i) {
        engine::Stage stage{numbers.text(), {}};
        const std::int32_t layers = numbers.array<std::int32_t>()[0];
        for (std::int32_t layer = 0; layer < layers; ++layer)
            stage.layers.push_back(layer_of(numbers));
        program.stages.push_back(std::move(stage));
    }
    return program;
}

// Model is IntraModel or InterModel; `more`: arguments beyond those of the file.
template <typename Model, typename... More>
std::shared_ptr<const Model> model_of(Numbers& numbers, const More&... more) {
    const Program program = program_of(numbers);
    TableArrays tables;
    tables.row_length = numbers.array<std::size_t>()[0];
    tables.cdf = numbers.array<std::int32_t>();
    std::partial_sum(tables.cdf.begin(), tables.cdf.end(), tables.cdf.begin());
    tables.length = numbers.array<std::int32_t>();
    tables.offset = numbers.array<std::int32_t>();
    const auto step = numbers.array<std::int32_t>(), gain = numbers.array<std::int32_t>(),
               rd_lambda = numbers.array<std::int32_t>();
    const auto log_table = numbers.array<std::int16_t>();
    const auto extra = numbers.array<std::int32_t>();
    const auto sets = numbers.array<std::size_t>();
    return std::make_shared<Model>(
        frame::ModelArrays{std::make_shared<engine::Network>(program.slots, program.stages),
                           tables.tables(), view(step), view(gain), view(rd_lambda),
                           view(log_table), true, sets[0]},
        view(extra), more...);
}

struct CodedFrame {
    std::int32_t quality;
    Bytes payload;
    std::uint32_t crc;  // of the decoded planes
};

struct Gop {
    frame::Geometry size;
    std::vector<CodedFrame> frames;  // an I-frame, then P-frames
};

struct Frames {
    std::shared_ptr<const frame::IntraModel> intra;
    std::shared_ptr<const frame::InterModel> inter;
    std::vector<Gop> gops;
};

inline Frames read_frames(const std::string& path) {
    Numbers numbers(path);
    Frames all;
    all.intra = model_of<frame::IntraModel>(numbers);
    all.inter = model_of<frame::InterModel>(numbers);
    const auto counts = numbers.array<std::int32_t>();
    for (std::int32_t i = 0; i < counts[0]; ++i) {
        const auto size = numbers.array<std::int32_t>();
        Gop gop{{size[0], size[1]}, {}};
        for (std::int32_t k = 0; k < counts[1]; ++k) {
            const std::int32_t quality = numbers.array<std::int32_t>()[0];
            Bytes payload = numbers.array<std::uint8_t>();
            gop.frames.push_back({quality, std::move(payload), numbers.array<std::uint32_t>()[0]});
        }
        all.gops.push_back(std::move(gop));
    }
    return all;
}

// Planes of a size, one after another without gaps.
struct Pixels {
    explicit Pixels(const frame::Geometry& geometry)
        : size(geometry),
          luma(static_cast<std::size_t>(size.height * size.width)),
          chroma(static_cast<std::size_t>(((size.height + 1) / 2) * ((size.width + 1) / 2))),
          bytes(luma + 2 * chroma) {}

    std::uint8_t* plane(int i) {
        return bytes.data() + (i == 0 ? 0 : luma + static_cast<std::size_t>(i - 1) * chroma);
    }
    frame::Planes planes() { return {size, plane(0), plane(1), plane(2)}; }

    frame::Geometry size;
    std::size_t luma, chroma;
    Bytes bytes;
};

// What the frames were made of: the same as picture() of make_native_frames.py.
inline Pixels picture(const frame::Geometry& size, std::int32_t time) {
    Pixels pixels(size);
    std::uint8_t *y = pixels.plane(0), *u = pixels.plane(1), *v = pixels.plane(2);
    for (std::int32_t row = 0; row < size.height; ++row) {
        for (std::int32_t column = 0; column < size.width; ++column) {
            const std::int32_t a = column + 2 * time, b = row - time + 64;
            const auto value = static_cast<std::uint8_t>(64 + (a * a + b * b) / 32 % 128);
            *y++ = value;
            if (row % 2 != 0 || column % 2 != 0) continue;
            *u++ = value;
            *v++ = static_cast<std::uint8_t>(255 - value);
        }
    }
    return pixels;
}

inline Pixels pixels_of(const frame::Reference& reference) {
    Pixels pixels(reference.size);
    reference.copy_planes(pixels.plane(0), pixels.plane(1), pixels.plane(2));
    return pixels;
}

}  // namespace samples
