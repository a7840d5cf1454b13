// A latent coded with a context model: the probabilities of every element come from the elements
// coded before it.
//
// y has M channels at h x w positions. Its Gaussians come from `features` (F channels, from the
// hyperprior) and from the y_hat around, by a masked convolution and some 1x1 convolutions after it
// (Minnen et al. 2018; with "checkerboard" He et al. 2021). Both sides must find the same numbers,
// so all of it runs in integers. This is a part of the format.
//
// Numbers. Q12 is int32 fixed point with 12 bits after the point; LIMIT = 2^24. R(x, s) = x * 2^-s
// rounded to an integer, halves to even; x * 2^-s itself where s is negative. Features, activations
// and biases are Q12 within
// +-LIMIT.
//
//     layer       out[r] = f(bias[r] + the sum over its blocks of inputs of R(sum of weight[., r] *
//     input,
//                 shift[., r] + fraction - 12)), where the inputs of the block are int16 with
//                 `fraction` bits after the point, weights int16 within +-32767, in units of
//                 2^-shift, shift in 0..30. f(v): v limited to +-LIMIT; then, if negative, R(v *
//                 slope, 16), slope in 0..65536
//     context     the inputs of the convolution, by tap, in each by channel: R(y_hat, 6) limited to
//     +-32767, fraction 6;
//                 0 outside of the frame. It has one block, and slope 65536
//     others      of x (Q12): s = the least of 0, 1, ... with max|x| < 2^(15 + s); inputs R(x, s)
//     limited to +-32767,
//                 fraction 12 - s. The first 1x1 layer has two blocks, features and then the
//                 convolution's outputs, the others have one
//     last layer  2 M outputs: scales, then means. index = the number of thresholds <= the scale
//
// Of each 256 inputs of a block in turn (from its first one; the last ones may be fewer), the
// weights of an output sum up to at most 65538 in magnitude: times 32767 that is below 2^31, so
// each such sum of products is exact in 32 bits.
//
// The symbol of an element is floor((y - mean + 2^11) / 2^12), y and mean in Q12, limited to
// +-2^18, and the row's only value where row `index` is certain; y_hat = symbol * 2^12 + mean.
// Another symbol beyond +-2^18 does not occur.
//
// Order of the symbols: wave by wave; in a wave by row, then by column; at a position by channel.
//
//     raster        position (i, j) is in wave j + (radius + 1) * i, where radius is the largest
//     offset of a tap. Taps
//                   lead up, or to the left in the same row
//     checkerboard  wave 0: i + j even. Its context is 0, that is, the convolution's outputs are
//     (their bias does not
//                   count). Wave 1: i + j odd. Taps lead an odd number of steps away
//
// No position of a wave is the context of another one of it: they are computed at the same time.
#pragma once

#include <cstdint>
#include <vector>

#include "coder/decoder.hpp"
#include "coder/encoder.hpp"
#include "context/network.hpp"
#include "context/order.hpp"
#include "platform/cpu.hpp"
#include "platform/view.hpp"

namespace streamcodec {

// Where a latent is, and how it is worked on: height and width >= 1, features (height, width,
// F), 1..256 threads.
struct ContextJob {
    std::int32_t height, width;
    View<const std::int32_t> features;
    std::size_t threads;
    InstructionSet set;
    std::int32_t* y_hat;               // receives (height, width, M), Q12
    std::int32_t* symbols = nullptr;   // if not null, receives (height, width, M)
    std::uint16_t* indexes = nullptr;  // likewise
};

class ContextModel {
  public:
    // layers[0]: the convolution. thresholds: not falling, at most 65535. Copies all. Throws
    // BadArgument.
    ContextModel(Schedule schedule, View<const std::int32_t> taps,
                 const std::vector<LayerArrays>& layers, View<const std::int32_t> thresholds);

    std::size_t channels() const { return network_.channels(); }
    std::size_t features() const { return network_.features(); }
    std::size_t tables() const { return thresholds_.size() + 1; }

    // Puts the symbols of values (height, width, M), Q12, into the encoder; without one, just finds
    // what they are, for these tables. Throws BadArgument, for a job that does not fit or tables
    // that are too few.
    void encode(View<const std::int32_t> values, const Tables& tables, Encoder* encoder,
                const ContextJob& job) const;

    // Gets them from the decoder. Throws BadArgument, CorruptStream, TruncatedStream.
    void decode(Decoder& decoder, const ContextJob& job) const;

  private:
    Schedule schedule_;
    std::vector<Tap> taps_;
    std::int32_t radius_;
    ContextNetwork network_;
    std::vector<std::int32_t> thresholds_;
};

}  // namespace streamcodec
