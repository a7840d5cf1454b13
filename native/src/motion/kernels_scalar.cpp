// The loops of kernels.hpp for any CPU.
#include "motion/kernels.hpp"

namespace streamcodec {

namespace {

std::uint8_t clamped(int value) {
    return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

template <int kTaps>
void filter(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
            std::ptrdiff_t stride, int width, int height) {
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

std::uint32_t sad8(Pixels a, Pixels b) {
    std::uint32_t sum = 0;
    for (int y = 0; y < 8; ++y) {
        for (int x = 0; x < 8; ++x) {
            const int d = a.at[y * a.stride + x] - b.at[y * b.stride + x];
            sum += static_cast<std::uint32_t>(d < 0 ? -d : d);
        }
    }
    return sum;
}

void average(std::uint8_t* to, const std::uint8_t* other, int count) {
    for (int k = 0; k < count; ++k) to[k] = static_cast<std::uint8_t>((to[k] + other[k] + 1) >> 1);
}

void halve(const std::uint8_t* above, const std::uint8_t* below, std::uint8_t* to, int width) {
    for (int x = 0; x < width; ++x) {
        const int sum = above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1];
        to[x] = static_cast<std::uint8_t>((sum + 2) >> 2);
    }
}

template <int kCell>
void blend(const std::uint8_t* const* parts, std::uint8_t* to, std::ptrdiff_t stride) {
    constexpr int kUnits = 2 * kCell;
    for (int y = 0; y < kCell; ++y) {
        const int g = 2 * y + 1;
        for (int x = 0; x < kCell; ++x) {
            const int at = y * kCell + x, h = 2 * x + 1;
            const int upper = (kUnits - h) * parts[0][at] + h * parts[1][at];
            const int lower = (kUnits - h) * parts[2][at] + h * parts[3][at];
            const int sum = (kUnits - g) * upper + g * lower;
            to[y * stride + x] =
                static_cast<std::uint8_t>((sum + kUnits * kUnits / 2) / (kUnits * kUnits));
        }
    }
}

}  // namespace

const MotionKernels kMotionScalar = {filter<8>, filter<4>, ssd<16>,  ssd<8>,  sad8,
                                     average,   halve,     blend<8>, blend<4>};

}  // namespace streamcodec
