// The loops of kernels.hpp for any CPU.
#include "motion/kernels.hpp"

namespace streamcodec {

namespace {

std::uint8_t clamped(int value) { return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value); }

template <int kTaps>
void filter(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to, std::ptrdiff_t stride,
            int width, int height) {
    constexpr int kBefore = kTaps / 2 - 1;
    std::int16_t rows[(32 + 8) * 8];  // of 8 columns at a time
    for (int left = 0; left < width; left += 8) {
        const int columns = width - left < 8 ? width - left : 8;
        for (int y = 0; y < height + kTaps - 1; ++y) {
            const std::uint8_t* line = from.at + (y - kBefore) * from.stride + left - kBefore;
            for (int x = 0; x < columns; ++x) {
                int sum = 0;
                for (int k = 0; k < kTaps; ++k) sum += tx[k] * line[x + k];
                rows[y * 8 + x] = static_cast<std::int16_t>(sum);
            }
        }
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < columns; ++x) {
                int sum = 2048;
                for (int k = 0; k < kTaps; ++k) sum += ty[k] * rows[(y + k) * 8 + x];
                to[y * stride + left + x] = clamped(sum >> 12);
            }
        }
    }
}

template <int kSide>
std::uint32_t ssd(Pixels a, Pixels b) {
    std::uint32_t sum = 0;
    for (int y = 0; y < kSide; ++y) {
        for (int x = 0; x < kSide; ++x) {
            const int d = a.at[y * a.stride + x] - b.at[y * b.stride + x];
            sum += static_cast<std::uint32_t>(d * d);
        }
    }
    return sum;
}

}  // namespace

const MotionKernels kMotionScalar = {filter<8>, filter<4>, ssd<16>, ssd<8>};

}  // namespace streamcodec
