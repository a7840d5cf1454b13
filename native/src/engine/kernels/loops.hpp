// The loops over vectors: included, and so compiled, once for each instruction set, in an unnamed
// namespace (see kernels.hpp), behind a struct Simd that says what a vector is:
//
//   Ints            kLanes int32, kLanes = 8 or 16
//   Shorts          kShorts int16
//   kPixels[v]      pixels whose sums, v vectors each, fit into registers
//   finish(...)     sums to int16
#pragma once

#include <type_traits>
#include <utility>

#include "engine/kernels/kernels.hpp"

#define INLINE inline __attribute__((always_inline))

namespace streamcodec::engine {

namespace {

constexpr std::size_t kLanes = Simd::kLanes;

using Ints = typename Simd::Ints;

// ---- Arrays of vectors in registers. GCC 12 keeps them there only if each index is a constant
// before anything else is done with the loops over them: hence these, instead of loops. ----

template <std::size_t kCount>
using Each = std::make_index_sequence<kCount>;

template <std::size_t kVectors>
using Row = Ints[kVectors];

template <std::size_t... v>
INLINE void load_each(std::index_sequence<v...>, const void* from, Row<sizeof...(v)>& a) {
    ((a[v] = Simd::load(static_cast<const char*>(from) + v * sizeof(Ints))), ...);
}

template <std::size_t... v>
INLINE void load_weights(std::index_sequence<v...>, const std::int16_t* from,
                         Row<sizeof...(v)>& w) {
    ((w[v] = Simd::load_weights(from + 2 * kLanes * v)), ...);
}

template <std::size_t... v>
INLINE void store_each(std::index_sequence<v...>, std::int32_t* to, std::size_t stride,
                       const Row<sizeof...(v)>& a) {
    (Simd::store(to + v * stride, a[v]), ...);
}

template <std::size_t... v>
INLINE void multiply_each(std::index_sequence<v...>, Row<sizeof...(v)>& sums, Ints x,
                          const Row<sizeof...(v)>& w) {
    ((sums[v] = Simd::multiply_add(sums[v], x, w[v])), ...);
}

// The same for the rows of several pixels.
template <std::size_t kVectors, std::size_t... p>
INLINE void load_all(std::index_sequence<p...>, const void* from,
                     Row<kVectors> (&a)[sizeof...(p)]) {
    (load_each(Each<kVectors>{}, from, a[p]), ...);
}

template <std::size_t kVectors, std::size_t... n>
INLINE void zero_all(std::index_sequence<n...>, Ints (&a)[sizeof...(n) / kVectors][kVectors]) {
    ((a[n / kVectors][n % kVectors] = Simd::zero()), ...);
}

template <std::size_t kVectors, std::size_t... p>
INLINE void store_all(std::index_sequence<p...>, std::int32_t* to, std::size_t stride,
                      const Row<kVectors> (&a)[sizeof...(p)]) {
    (store_each(Each<kVectors>{}, to + p * kVectors * stride, stride, a[p]), ...);
}

INLINE std::ptrdiff_t times(std::size_t n, std::ptrdiff_t stride) {
    return static_cast<std::ptrdiff_t>(n) * stride;
}

// Pointers to each third of some pixels; the others are reached by an address's index.
template <std::size_t... i>
INLINE void point(std::index_sequence<i...>, const std::int16_t* first, std::ptrdiff_t stride,
                  const std::int16_t* (&third)[sizeof...(i)]) {
    ((third[i] = first + times(3 * i, stride)), ...);
}

// Adds a pair of inputs of some pixels times weights of kVectors vectors of outputs, and goes on.
template <std::size_t kVectors, std::size_t... p>
INLINE void multiply_pair(std::index_sequence<p...>,
                          const std::int16_t* (&third)[(sizeof...(p) + 2) / 3],
                          std::ptrdiff_t stride, const std::int16_t* weights,
                          Ints (&sums)[sizeof...(p)][kVectors]) {
    Ints w[kVectors];
    load_weights(Each<kVectors>{}, weights, w);
    (multiply_each(Each<kVectors>{}, sums[p], Simd::pair(third[p / 3] + times(p % 3, stride)), w),
     ...);
    ((third[p / 3] += p % 3 == 0 ? 2 : 0), ...);
}

template <std::size_t kCount, std::size_t kVectors>
INLINE const std::int16_t* multiply(const std::int16_t* input, std::ptrdiff_t stride,
                                    std::size_t pairs, const std::int16_t* weights,
                                    Ints (&sums)[kCount][kVectors]) {
    const std::int16_t* third[(kCount + 2) / 3];
    point(Each<(kCount + 2) / 3>{}, input, stride, third);
    for (std::size_t i = 0; i < pairs; ++i, weights += 2 * kLanes * kVectors) {
        multiply_pair<kVectors>(Each<kCount>{}, third, stride, weights, sums);
    }
    return weights;
}

// Where a pixel's outputs go and what is added to them: offsets.
struct Place {
    std::ptrdiff_t output, add;
};

INLINE Place place_of(const Finish& job, std::size_t y, std::size_t x) {
    return {times(y, job.output_row) + times(x, job.output_pixel),
            times(y, job.add_row) + times(x, job.add_pixel)};
}

// Outputs first .. first + kLanes - 1 of a pixel.
INLINE void finish(const Finish& job, Ints sums, std::size_t first, Place place) {
    const std::int16_t* const add = job.add == nullptr ? nullptr : job.add + place.add + first;
    Simd::finish(sums, job.shift + first, add, job.low, job.high, job.output + place.output + first,
                 job.outputs - first);
}

template <std::size_t kCount, std::size_t kVectors>
void direct_pixels(const ConvJob& job, const std::int16_t* weights, std::size_t first,
                   std::size_t y, std::size_t x) {
    Ints sums[kCount][kVectors];
    load_all<kVectors>(Each<kCount>{}, job.finish.bias + first, sums);
    const std::int16_t* const input =
        job.input + times(y, job.input_row) + times(x, job.input_pixel);
    for (std::size_t tap = 0; tap < job.tap_count; ++tap) {
        weights = multiply<kCount, kVectors>(input + job.taps[tap], job.input_pixel,
                                             (job.inputs + 1) / 2, weights, sums);
    }
    alignas(64) std::int32_t all[kCount * kVectors * kLanes];
    store_all<kVectors>(Each<kCount>{}, all, kLanes, sums);
    Place place = place_of(job.finish, y, x);
    const std::int32_t* sum = all;
    for (std::size_t p = 0; p < kCount; ++p) {
        for (std::size_t v = 0; v < kVectors; ++v, sum += kLanes) {
            finish(job.finish, Simd::load(sum), first + kLanes * v, place);
        }
        place.output += job.finish.output_pixel;
        place.add += job.finish.add_pixel;
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
INLINE void each_block(const ConvJob& job, std::size_t taps, std::size_t (*size)(std::size_t),
                       const Block& block) {
    const std::size_t panel = taps * ((job.inputs + 1) / 2) * 2 * kLanes;
    const std::int16_t* weights = job.weights;
    for (std::size_t first = 0; first < job.finish.outputs;) {
        const std::size_t vectors = size((job.finish.outputs - first + kLanes - 1) / kLanes);
        block(vectors, weights, first);
        weights += vectors * panel;
        first += vectors * kLanes;
    }
}

void conv(const ConvJob& job) {
    each_block(job, job.tap_count, Simd::block,
               [&](std::size_t vectors, const std::int16_t* weights, std::size_t first) {
                   if (vectors == 1) direct_block<1>(job, weights, first);
                   if (vectors == 2) direct_block<2>(job, weights, first);
                   if (vectors == 3) direct_block<3>(job, weights, first);
                   if constexpr (Simd::kMostVectors == 4) {
                       if (vectors == 4) direct_block<4>(job, weights, first);
                   }
               });
}

// ---- for measurements ----

INLINE void unknown_product(Ints& sum, Ints& x, Ints& w) {
    Simd::hide(x);
    Simd::hide(w);
    sum = Simd::multiply_add(sum, x, w);
}

template <std::size_t... i>
INLINE void peak_round(std::index_sequence<i...>, Ints (&sums)[sizeof...(i)], Ints& x, Ints& w) {
    (unknown_product(sums[i], x, w), ...);
}

std::size_t peak(std::size_t rounds) {
    constexpr std::size_t kSums = 12;
    Ints sums[1][kSums], x = Simd::zero(), w = x;
    zero_all<kSums>(Each<kSums>{}, sums);
    for (std::size_t round = 0; round < rounds; ++round) peak_round(Each<kSums>{}, sums[0], x, w);
    std::int32_t last[kSums * kLanes];
    store_each(Each<kSums>{}, last, kLanes, sums[0]);
    asm volatile("" : : "r"(last) : "memory");
    return rounds * kSums * 2 * kLanes;
}

}  // namespace

}  // namespace streamcodec::engine
