// The loops of 3x3 layers by Winograd's F(2x2, 3x3), see pack.hpp. Included after loops.hpp.
#pragma once

#include "engine/kernels/loops.hpp"

namespace streamcodec::engine {

namespace {

// Tiles of 2x2 outputs that are made together: across the rows of a job, from left to right.
struct Tiles {
    std::size_t count = 0;
    std::size_t y[kTiles], x[kTiles];  // of a tile's first output
};

// The next tiles from (y, x) on, which becomes where they end.
inline Tiles next_tiles(const ConvJob& job, std::size_t& y, std::size_t& x) {
    Tiles tiles;
    for (; tiles.count < kTiles && y < job.rows; ++tiles.count) {
        tiles.y[tiles.count] = y;
        tiles.x[tiles.count] = x;
        x += 2;
        if (x < job.columns) continue;
        x = 0;
        y += 2;
    }
    return tiles;
}

INLINE std::size_t rounded_up(std::size_t channels) { return (channels + 15) / 16 * 16; }

// B' d B of `count` tiles side by side, of as many channels as a vector of S has.
template <typename S>
void transform_input(const std::int16_t* input, std::ptrdiff_t row, std::ptrdiff_t pixel,
                     std::size_t count, std::int16_t* output, std::size_t channels) {
    using V = typename S::Vector;
    struct Column {
        V a, b, c, d;
    };
    // One column of B' d.
    const auto column = [row](const std::int16_t* from) {
        const V d0 = S::load(from), d1 = S::load(from + row), d2 = S::load(from + 2 * row),
                d3 = S::load(from + 3 * row);
        return Column{S::sub(d0, d2), S::add(d1, d2), S::sub(d2, d1), S::sub(d1, d3)};
    };
    const std::size_t product = kTiles * channels;
    const auto store = [product](std::int16_t* to, V e0, V e1, V e2, V e3) {
        S::store(to, S::sub(e0, e2));
        S::store(to + product, S::add(e1, e2));
        S::store(to + 2 * product, S::sub(e2, e1));
        S::store(to + 3 * product, S::sub(e1, e3));
    };
    Column e0 = column(input), e1 = column(input + pixel);
    for (std::size_t tile = 0; tile < count; ++tile, output += channels) {
        input += 2 * pixel;
        const Column e2 = column(input), e3 = column(input + pixel);
        store(output, e0.a, e1.a, e2.a, e3.a);
        store(output + 4 * product, e0.b, e1.b, e2.b, e3.b);
        store(output + 8 * product, e0.c, e1.c, e2.c, e3.c);
        store(output + 12 * product, e0.d, e1.d, e2.d, e3.d);
        e0 = e2;
        e1 = e3;
    }
}

void transform_inputs(const ConvJob& job, const Tiles& tiles) {
    const std::size_t channels = rounded_up(job.inputs);
    for (std::size_t first = 0, end = 0; first < tiles.count; first = end) {
        while (end < tiles.count && tiles.y[end] == tiles.y[first]) ++end;
        const std::int16_t* const input = job.input + times(tiles.y[first], job.input_row) -
                                          job.input_row + times(tiles.x[first], job.input_pixel) -
                                          job.input_pixel;
        std::int16_t* const output = job.tiles + first * channels;
        std::size_t c = 0;
        for (; c + Simd::Wide::kSize <= channels; c += Simd::Wide::kSize) {
            transform_input<typename Simd::Wide>(input + c, job.input_row, job.input_pixel,
                                                 end - first, output + c, channels);
        }
        for (; c < channels; c += 16) {
            transform_input<typename Simd::Short>(input + c, job.input_row, job.input_pixel,
                                                  end - first, output + c, channels);
        }
    }
}

// What the products leave of a tile and a vector of outputs: with few registers all 16, with many
// m A, that is 8.
constexpr std::size_t kLeft = Simd::kHasManyRegisters ? 8 : 16;

// All tiles' products of one place in the tile. Of a run of tiles those of kCount.
template <std::size_t kCount, std::size_t kVectors>
struct ProductRun {
    static void run(std::size_t tile, const std::int16_t* tiles, std::size_t channels,
                    std::size_t pairs, const std::int16_t* weights, std::int32_t* output) {
        Ints sums[kCount][kVectors];
        zero_all<kVectors>(Each<kCount * kVectors>{}, sums);
        multiply<kCount, kVectors>(tiles + tile * channels, static_cast<std::ptrdiff_t>(channels),
                                   pairs, weights, sums);
        store_all<kVectors>(Each<kCount>{}, output + tile * kVectors * kLeft * kLanes,
                            kLeft * kLanes, sums);
    }
};

// The same of a row of four places, and their sums m A.
template <std::size_t kCount, std::size_t kVectors>
struct RowRun {
    static void run(std::size_t tile, const std::int16_t* tiles, std::size_t channels,
                    std::size_t pairs, const std::int16_t* weights, std::int32_t* output) {
        constexpr std::size_t kThirds = (kCount + 2) / 3, kStep = 2 * kLanes * kVectors;
        constexpr Each<kCount * kVectors> kAll{};
        Ints m0[kCount][kVectors], m1[kCount][kVectors], m2[kCount][kVectors], m3[kCount][kVectors];
        zero_all<kVectors>(kAll, m0);
        zero_all<kVectors>(kAll, m1);
        zero_all<kVectors>(kAll, m2);
        zero_all<kVectors>(kAll, m3);
        const auto stride = static_cast<std::ptrdiff_t>(channels);
        const std::int16_t *in0[kThirds], *in1[kThirds], *in2[kThirds], *in3[kThirds];
        tiles += tile * channels;
        point(Each<kThirds>{}, tiles, stride, in0);
        point(Each<kThirds>{}, tiles + kTiles * channels, stride, in1);
        point(Each<kThirds>{}, tiles + 2 * kTiles * channels, stride, in2);
        point(Each<kThirds>{}, tiles + 3 * kTiles * channels, stride, in3);
        for (std::size_t i = 0; i < pairs; ++i, weights += 4 * kStep) {
            multiply_pair<kVectors>(Each<kCount>{}, in0, stride, weights, m0);
            multiply_pair<kVectors>(Each<kCount>{}, in1, stride, weights + kStep, m1);
            multiply_pair<kVectors>(Each<kCount>{}, in2, stride, weights + 2 * kStep, m2);
            multiply_pair<kVectors>(Each<kCount>{}, in3, stride, weights + 3 * kStep, m3);
        }
        store_rows<kVectors>(kAll, output + tile * kVectors * kLeft * kLanes, m0, m1, m2, m3);
    }

  private:
    template <std::size_t kWidth, std::size_t... n>
    static INLINE void store_rows(std::index_sequence<n...>, std::int32_t* to,
                                  const Row<kWidth>* m0, const Row<kWidth>* m1,
                                  const Row<kWidth>* m2, const Row<kWidth>* m3) {
        (store_row(to + n * kLeft * kLanes, m0[n / kWidth][n % kWidth], m1[n / kWidth][n % kWidth],
                   m2[n / kWidth][n % kWidth], m3[n / kWidth][n % kWidth]),
         ...);
    }
    static INLINE void store_row(std::int32_t* to, Ints m0, Ints m1, Ints m2, Ints m3) {
        Simd::store(to, Simd::add(Simd::add(m0, m1), m2));
        Simd::store(to + kLanes, Simd::sub(Simd::sub(m1, m2), m3));
    }
};

// Of a tile and a vector of outputs the number of m A in this column and row.
INLINE Ints column_of(const std::int32_t* sums, std::size_t column, std::size_t row) {
    if constexpr (Simd::kHasManyRegisters) {
        return Simd::load(sums + (2 * row + column) * kLanes);
    } else {
        const Ints m1 = Simd::load(sums + (4 * row + 1) * kLanes),
                   m2 = Simd::load(sums + (4 * row + 2) * kLanes);
        const Ints end = Simd::load(sums + (4 * row + 3 * column) * kLanes);
        return column == 0 ? Simd::add(Simd::add(m1, m2), end) : Simd::sub(Simd::sub(m1, m2), end);
    }
}

// A' m A of one column of a tile and a vector of outputs: two pixels, or the upper one.
INLINE void transform_output(const Finish& job, const std::int32_t* sums, std::size_t first,
                             std::size_t column, Place place, bool has_below) {
    const Ints bias = Simd::load(job.bias + first);
    const Ints e1 = Simd::add(column_of(sums, column, 1), bias), e2 = column_of(sums, column, 2);
    finish(job, Simd::add(Simd::add(column_of(sums, column, 0), e2), e1), first, place);
    if (!has_below) return;
    place.output += job.output_row;
    place.add += job.add_row;
    finish(job, Simd::sub(Simd::sub(e1, e2), column_of(sums, column, 3)), first, place);
}

template <std::size_t kVectors>
__attribute__((noinline)) void winograd_block(const ConvJob& job, const Tiles& tiles,
                                              const std::int16_t* weights, std::size_t first) {
    const std::size_t channels = rounded_up(job.inputs), pairs = (job.inputs + 1) / 2;
    const std::size_t panel = pairs * 2 * kVectors * kLanes;
    if constexpr (Simd::kHasManyRegisters) {
        for (std::size_t i = 0; i < 4; ++i) {
            std::size_t tile = 0;
            in_runs<RowRun, Simd::kRowTiles[kVectors], kVectors>(
                tile, tiles.count, job.tiles + 4 * i * kTiles * channels, channels, pairs,
                weights + 4 * i * panel, job.sums + 2 * i * kLanes);
        }
    } else {
        for (std::size_t k = 0; k < 16; ++k) {
            std::size_t tile = 0;
            in_runs<ProductRun, Simd::kPixels[kVectors], kVectors>(
                tile, tiles.count, job.tiles + k * kTiles * channels, channels, pairs,
                weights + k * panel, job.sums + k * kLanes);
        }
    }
    const Finish& finish = job.finish;
    const std::int32_t* sums = job.sums;
    for (std::size_t tile = 0; tile < tiles.count; ++tile) {
        const std::size_t y = tiles.y[tile], x = tiles.x[tile];
        const bool has_below = y + 1 < job.rows, has_right = x + 1 < job.columns;
        const Place left = place_of(finish, y, x);
        const Place right{left.output + finish.output_pixel, left.add + finish.add_pixel};
        for (std::size_t v = 0; v < kVectors; ++v, sums += kLeft * kLanes) {
            transform_output(finish, sums, first + v * kLanes, 0, left, has_below);
            if (has_right) transform_output(finish, sums, first + v * kLanes, 1, right, has_below);
        }
    }
}

constexpr Division kWinograd = {Simd::winograd_block, Simd::kHasManyRegisters ? 4 : 1};

void winograd(const ConvJob& job) {
    for (std::size_t y = 0, x = 0; y < job.rows;) {
        const Tiles tiles = next_tiles(job, y, x);
        transform_inputs(job, tiles);
        each_block(job, 16, Simd::winograd_block,
                   [&](std::size_t vectors, const std::int16_t* weights, std::size_t first) {
                       if (vectors == 1) winograd_block<1>(job, tiles, weights, first);
                       if (vectors == 2) winograd_block<2>(job, tiles, weights, first);
                       if (vectors == 3) winograd_block<3>(job, tiles, weights, first);
                       if constexpr (Simd::kMostVectors == 4) {
                           if (vectors == 4) winograd_block<4>(job, tiles, weights, first);
                       }
                   });
    }
}

}  // namespace

}  // namespace streamcodec::engine
