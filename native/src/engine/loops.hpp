// The loops over vectors: included, and so compiled, once for each instruction set, in an unnamed
// namespace (see kernels.hpp), behind a struct Simd that says what a vector is:
//
//   Ints            kLanes int32, kLanes = 8 or 16
//   Shorts          kShorts int16
//   kPixels[v]      pixels whose sums, v vectors each, fit into registers
//   finish(...)     sums to int16
#pragma once

#include "engine/kernels.hpp"

// Loops over registers, unrolled early enough for GCC to keep the arrays in registers.
#define EACH(i, n) _Pragma("GCC unroll 16") for (std::size_t i = 0; i < (n); ++i)
#define INLINE inline __attribute__((always_inline))

namespace streamcodec::engine {

namespace {

constexpr std::size_t kLanes = Simd::kLanes;

INLINE std::ptrdiff_t times(std::size_t n, std::ptrdiff_t stride) {
    return static_cast<std::ptrdiff_t>(n) * stride;
}

// Pointers to each third of some pixels; those between are reached by an address's index.
template <std::size_t kCount>
struct Pixels {
    const std::int16_t* third[(kCount + 2) / 3];
    std::ptrdiff_t stride;

    INLINE Pixels(const std::int16_t* first, std::ptrdiff_t pixel) : stride(pixel) {
        EACH(i, (kCount + 2) / 3) third[i] = first + times(3 * i, pixel);
    }
    INLINE typename Simd::Ints pair(std::size_t p) const {
        return Simd::pair(third[p / 3] + times(p % 3, stride));
    }
    INLINE void next() { EACH(i, (kCount + 2) / 3) third[i] += 2; }
};

// Adds pairs of inputs of kCount pixels times weights of kVectors vectors of outputs.
template <std::size_t kCount, std::size_t kVectors>
INLINE const std::int16_t* multiply(Pixels<kCount> pixels, std::size_t pairs,
                                    const std::int16_t* weights,
                                    typename Simd::Ints (&sums)[kCount][kVectors]) {
    for (std::size_t i = 0; i < pairs; ++i, weights += 2 * kLanes * kVectors) {
        typename Simd::Ints w[kVectors];
        EACH(v, kVectors) w[v] = Simd::load(weights + 2 * kLanes * v);
        EACH(p, kCount) {
            const typename Simd::Ints x = pixels.pair(p);
            EACH(v, kVectors) sums[p][v] = Simd::multiply_add(sums[p][v], x, w[v]);
        }
        pixels.next();
    }
    return weights;
}

// Outputs first .. first + kLanes - 1 of the pixel at (y, x).
INLINE void finish(const Finish& job, typename Simd::Ints sums, std::size_t first, std::size_t y,
                   std::size_t x) {
    const std::int16_t* const add =
        job.add == nullptr ? nullptr
                           : job.add + times(y, job.add_row) + times(x, job.add_pixel) + first;
    std::int16_t* const output =
        job.output + times(y, job.output_row) + times(x, job.output_pixel) + first;
    Simd::finish(sums, job.shift + first, add, job.low, job.high, output, job.outputs - first);
}

template <std::size_t kCount, std::size_t kVectors>
void direct_pixels(const ConvJob& job, const std::int16_t* weights, std::size_t first,
                   std::size_t y, std::size_t x) {
    typename Simd::Ints sums[kCount][kVectors];
    EACH(p, kCount) EACH(v, kVectors) sums[p][v] = Simd::load(job.finish.bias + first + kLanes * v);
    const std::int16_t* const input =
        job.input + times(y, job.input_row) + times(x, job.input_pixel);
    for (std::size_t tap = 0; tap < job.tap_count; ++tap) {
        const Pixels<kCount> pixels(input + job.taps[tap], job.input_pixel);
        weights = multiply<kCount, kVectors>(pixels, (job.inputs + 1) / 2, weights, sums);
    }
    // Through memory: a loop over the sums that is not unrolled would keep them there all the time.
    alignas(64) std::int32_t all[kCount * kVectors * kLanes];
    EACH(p, kCount) EACH(v, kVectors) Simd::store(all + (p * kVectors + v) * kLanes, sums[p][v]);
    for (std::size_t p = 0; p < kCount; ++p) {
        for (std::size_t v = 0; v < kVectors; ++v) {
            const auto of_vector = Simd::load(all + (p * kVectors + v) * kLanes);
            finish(job.finish, of_vector, first + kLanes * v, y, x + p);
        }
    }
}

// Calls Work<n>::run(at, ...) for pixels or tiles at = 0 .. count - 1, n at a time: kMost as long
// as so many are left.
template <template <std::size_t, std::size_t> class Work, std::size_t kCount, std::size_t kVectors,
          typename... Args>
INLINE void in_runs(std::size_t& at, std::size_t count, const Args&... args) {
    for (; at + kCount <= count; at += kCount) Work<kCount, kVectors>::run(at, args...);
    if constexpr (kCount > 1) in_runs<Work, (kCount + 1) / 2, kVectors>(at, count, args...);
}

template <std::size_t kCount, std::size_t kVectors>
struct DirectRun {
    static void run(std::size_t x, const ConvJob& job, const std::int16_t* weights,
                    std::size_t first, std::size_t y) {
        direct_pixels<kCount, kVectors>(job, weights, first, y, x);
    }
};

template <std::size_t kVectors>
void direct_block(const ConvJob& job, const std::int16_t* weights, std::size_t first) {
    for (std::size_t y = 0; y < job.rows; ++y) {
        std::size_t x = 0;
        in_runs<DirectRun, Simd::kPixels[kVectors], kVectors>(x, job.columns, job, weights, first,
                                                              y);
    }
}

// Calls block<n>(weights, first) for each block of weights, of n vectors.
template <typename Block>
INLINE void each_block(const ConvJob& job, std::size_t taps, const Block& block) {
    const std::size_t panel = taps * ((job.inputs + 1) / 2) * 2 * kLanes;
    const std::int16_t* weights = job.weights;
    for (std::size_t first = 0; first < job.finish.outputs;) {
        const std::size_t vectors = Simd::block((job.finish.outputs - first + kLanes - 1) / kLanes);
        block(vectors, weights, first);
        weights += vectors * panel;
        first += vectors * kLanes;
    }
}

void conv(const ConvJob& job) {
    each_block(job, job.tap_count,
               [&](std::size_t vectors, const std::int16_t* weights, std::size_t first) {
                   if (vectors == 1) direct_block<1>(job, weights, first);
                   if (vectors == 2) direct_block<2>(job, weights, first);
                   if (vectors == 3) direct_block<3>(job, weights, first);
                   if (vectors == 4) direct_block<4>(job, weights, first);
               });
}

// ---- 3x3 by Winograd's F(2x2, 3x3), see pack.hpp. The tiles of all rows are numbered row by row.
// ----

constexpr std::size_t kProducts = 16;

struct Tiles {
    std::size_t across;        // in a row
    std::size_t first, count;  // those at hand, count <= kTiles
    std::size_t y(std::size_t tile) const { return 2 * ((first + tile) / across); }
    std::size_t x(std::size_t tile) const { return 2 * ((first + tile) % across); }
};

INLINE std::size_t rounded_up(std::size_t channels) {
    return (channels + Simd::kShorts - 1) / Simd::kShorts * Simd::kShorts;
}

// B' d B of one tile, of kShorts channels.
INLINE void transform_input(const std::int16_t* input, std::ptrdiff_t row, std::ptrdiff_t pixel,
                            std::int16_t* output, std::size_t product) {
    using S = typename Simd::Shorts;
    S e[4][4];
    EACH(j, 4) {
        S d[4];
        EACH(i, 4) d[i] = Simd::load_shorts(input + times(i, row) + times(j, pixel));
        e[0][j] = Simd::sub_shorts(d[0], d[2]);
        e[1][j] = Simd::add_shorts(d[1], d[2]);
        e[2][j] = Simd::sub_shorts(d[2], d[1]);
        e[3][j] = Simd::sub_shorts(d[1], d[3]);
    }
    EACH(i, 4) {
        std::int16_t* const to = output + 4 * i * product;
        Simd::store_shorts(to, Simd::sub_shorts(e[i][0], e[i][2]));
        Simd::store_shorts(to + product, Simd::add_shorts(e[i][1], e[i][2]));
        Simd::store_shorts(to + 2 * product, Simd::sub_shorts(e[i][2], e[i][1]));
        Simd::store_shorts(to + 3 * product, Simd::sub_shorts(e[i][1], e[i][3]));
    }
}

void transform_inputs(const ConvJob& job, const Tiles& tiles) {
    const std::size_t channels = rounded_up(job.inputs);
    for (std::size_t tile = 0; tile < tiles.count; ++tile) {
        const std::int16_t* const input = job.input + times(tiles.y(tile), job.input_row) -
                                          job.input_row + times(tiles.x(tile), job.input_pixel) -
                                          job.input_pixel;
        for (std::size_t c = 0; c < channels; c += Simd::kShorts) {
            transform_input(input + c, job.input_row, job.input_pixel,
                            job.tiles + tile * channels + c, kTiles * channels);
        }
    }
}

template <std::size_t kCount, std::size_t kVectors>
struct ProductRun {
    static void run(std::size_t tile, const std::int16_t* tiles, std::size_t channels,
                    std::size_t pairs, const std::int16_t* weights, std::int32_t* output) {
        typename Simd::Ints sums[kCount][kVectors];
        EACH(p, kCount) EACH(v, kVectors) sums[p][v] = Simd::zero();
        const Pixels<kCount> pixels(tiles + tile * channels, static_cast<std::ptrdiff_t>(channels));
        multiply<kCount, kVectors>(pixels, pairs, weights, sums);
        std::int32_t* const to = output + tile * kVectors * kLanes;
        EACH(p, kCount) EACH(v, kVectors) Simd::store(to + (p * kVectors + v) * kLanes, sums[p][v]);
    }
};

// A' m A of one tile, of one vector of outputs: four pixels, of which those that exist are stored.
INLINE void transform_output(const Finish& job, const std::int32_t* sums, std::size_t product,
                             std::size_t first, std::size_t y, std::size_t x, bool has_below,
                             bool has_right) {
    using Ints = typename Simd::Ints;
    Ints e[2][4];
    EACH(j, 4) {
        Ints m[4];
        EACH(i, 4) m[i] = Simd::load(sums + (4 * i + j) * product);
        e[0][j] = Simd::add(Simd::add(m[0], m[1]), m[2]);
        e[1][j] = Simd::sub(Simd::sub(m[1], m[2]), m[3]);
    }
    const Ints bias = Simd::load(job.bias + first);
    EACH(i, 2) {
        if (i == 1 && !has_below) break;
        finish(job, Simd::add(Simd::add(e[i][0], e[i][1]), Simd::add(e[i][2], bias)), first, y + i,
               x);
        if (has_right) {
            finish(job, Simd::add(Simd::sub(e[i][1], e[i][2]), Simd::sub(bias, e[i][3])), first,
                   y + i, x + 1);
        }
    }
}

template <std::size_t kVectors>
void winograd_block(const ConvJob& job, const Tiles& tiles, const std::int16_t* weights,
                    std::size_t first) {
    const std::size_t channels = rounded_up(job.inputs), pairs = (job.inputs + 1) / 2;
    constexpr std::size_t kProduct = kTiles * kVectors * kLanes;
    for (std::size_t k = 0; k < kProducts; ++k, weights += pairs * 2 * kVectors * kLanes) {
        std::size_t tile = 0;
        in_runs<ProductRun, Simd::kPixels[kVectors], kVectors>(
            tile, tiles.count, job.tiles + k * kTiles * channels, channels, pairs, weights,
            job.sums + k * kProduct);
    }
    for (std::size_t tile = 0; tile < tiles.count; ++tile) {
        const std::size_t y = tiles.y(tile), x = tiles.x(tile);
        for (std::size_t v = 0; v < kVectors; ++v) {
            transform_output(job.finish, job.sums + (tile * kVectors + v) * kLanes, kProduct,
                             first + v * kLanes, y, x, y + 1 < job.rows, x + 1 < job.columns);
        }
    }
}

void winograd(const ConvJob& job) {
    const std::size_t across = (job.columns + 1) / 2, all = across * ((job.rows + 1) / 2);
    for (std::size_t done = 0; done < all; done += kTiles) {
        const Tiles tiles{across, done, all - done < kTiles ? all - done : kTiles};
        transform_inputs(job, tiles);
        each_block(job, kProducts,
                   [&](std::size_t vectors, const std::int16_t* weights, std::size_t first) {
                       if (vectors == 1) winograd_block<1>(job, tiles, weights, first);
                       if (vectors == 2) winograd_block<2>(job, tiles, weights, first);
                       if (vectors == 3) winograd_block<3>(job, tiles, weights, first);
                       if (vectors == 4) winograd_block<4>(job, tiles, weights, first);
                   });
    }
}

// ---- for measurements ----

std::size_t peak(std::size_t rounds) {
    constexpr std::size_t kSums = 12;
    typename Simd::Ints sums[kSums];
    EACH(i, kSums) {
        sums[i] = Simd::zero();
        asm volatile("" : "+v"(sums[i]));  // so that they do not become one
    }
    const std::int16_t numbers[2 * kLanes] = {1, 2, 3};
    typename Simd::Ints x = Simd::load(numbers), w = x;
    for (std::size_t round = 0; round < rounds; ++round) {
        EACH(i, kSums) {
            asm volatile("" : "+v"(x), "+v"(w));  // so that each product is made
            sums[i] = Simd::multiply_add(sums[i], x, w);
        }
    }
    std::int32_t last[kLanes];
    EACH(i, kSums) {
        Simd::store(last, sums[i]);
        asm volatile("" : : "r"(last) : "memory");
    }
    return rounds * kSums * 2 * kLanes;
}

}  // namespace

}  // namespace streamcodec::engine
