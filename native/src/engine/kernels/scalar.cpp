// The loops in plain C++, which compilers turn into whatever vectors a machine has at least.
#include "engine/kernels/kernels.hpp"

namespace streamcodec::engine {

namespace {

constexpr std::size_t kLanes = 8, kPixels = 4;

using Sums = std::int32_t[kLanes];

void finish(const Finish& job, const Sums& sums, std::size_t first, std::size_t y, std::size_t x) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(y),
                         column = static_cast<std::ptrdiff_t>(x);
    std::int16_t* const output =
        job.output + row * job.output_row + column * job.output_pixel + first;
    const std::int16_t* const add =
        job.add == nullptr ? nullptr : job.add + row * job.add_row + column * job.add_pixel;
    for (std::size_t i = 0; i < kLanes && first + i < job.outputs; ++i) {
        std::int32_t value = sums[i] >> job.shift[first + i];
        if (add != nullptr) value += add[first + i];
        value = value < job.low ? job.low : value > job.high ? job.high : value;
        output[i] = static_cast<std::int16_t>(value);
    }
}

// Adds to the sums of kCount pixels, whose inputs are input_pixel elements apart.
template <std::size_t kCount>
void multiply(const ConvJob& job, const std::int16_t* input, const std::int16_t* weights,
              Sums (&sums)[kCount]) {
    for (std::size_t tap = 0; tap < job.tap_count; ++tap) {
        const std::int16_t* const from = input + job.taps[tap];
        for (std::size_t c = 0; c < job.inputs; ++c, weights += kLanes) {
            for (std::size_t p = 0; p < kCount; ++p) {
                const std::int16_t x = from[static_cast<std::ptrdiff_t>(p) * job.input_pixel +
                                            static_cast<std::ptrdiff_t>(c)];
                // Products of two int16 fit; sums may pass through any value on their way and are
                // taken modulo 2^32.
                for (std::size_t i = 0; i < kLanes; ++i) {
                    sums[p][i] =
                        static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[p][i]) +
                                                  static_cast<std::uint32_t>(weights[i] * x));
                }
            }
        }
    }
}

template <std::size_t kCount>
void pixels(const ConvJob& job, const std::int16_t* weights, std::size_t first, std::size_t y,
            std::size_t x) {
    Sums sums[kCount];
    for (Sums& of_pixel : sums) {
        for (std::size_t i = 0; i < kLanes; ++i) of_pixel[i] = job.finish.bias[first + i];
    }
    multiply<kCount>(job,
                     job.input + static_cast<std::ptrdiff_t>(y) * job.input_row +
                         static_cast<std::ptrdiff_t>(x) * job.input_pixel,
                     weights, sums);
    for (std::size_t p = 0; p < kCount; ++p) finish(job.finish, sums[p], first, y, x + p);
}

void conv(const ConvJob& job) {
    const std::size_t panel = job.tap_count * job.inputs * kLanes;
    for (std::size_t y = 0; y < job.rows; ++y) {
        const std::int16_t* weights = job.weights;
        for (std::size_t first = 0; first < job.finish.outputs; first += kLanes, weights += panel) {
            std::size_t x = 0;
            for (; x + kPixels <= job.columns; x += kPixels)
                pixels<kPixels>(job, weights, first, y, x);
            for (; x < job.columns; ++x) pixels<1>(job, weights, first, y, x);
        }
    }
}

std::size_t one(std::size_t) { return 1; }

}  // namespace

extern const Kernels kScalar = {"scalar", kLanes, 1, {one, 1}, {one, 1}, conv, nullptr, nullptr};

}  // namespace streamcodec::engine
