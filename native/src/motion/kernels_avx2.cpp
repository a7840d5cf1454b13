// The loops of kernels.hpp with AVX2.
#include "motion/kernels.hpp"

#include <immintrin.h>

#include <cstring>

namespace streamcodec {

namespace {

bool is_copy(const std::int8_t* taps, int middle) { return taps[middle] == 64; }

__m256i pair8(std::int8_t a, std::int8_t b) {
    return _mm256_set1_epi16(static_cast<short>((a & 255) | (b * 256)));
}
__m256i pair16(std::int8_t a, std::int8_t b) {
    return _mm256_set1_epi32((a & 65535) | (b * 65536));
}

__m128i load16(const std::uint8_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
__m128i load8(const std::uint8_t* from) {
    return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
}
__m256i both(__m128i low, __m128i high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}
__m256i load8x2(const std::uint8_t* a, const std::uint8_t* b) {  // 8 pixels of each as int16
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(load8(a), load8(b)));
}
void store16(std::uint8_t* to, __m256i v) {  // int16 to 16 pixels
    const __m128i pixels =
        _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), pixels);
}
void store8x2(std::uint8_t* a, std::uint8_t* b, __m256i v) {
    const __m128i pixels =
        _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(a), pixels);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(b), _mm_unpackhi_epi64(pixels, pixels));
}

// Pairs of bytes (k, k + 1) for 8 places, per half.
__m256i shuffle_of(int k) {
    const __m256i first =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8));
    return _mm256_add_epi8(first, _mm256_set1_epi8(static_cast<char>(k)));
}

struct Taps8 {
    __m256i c[4], m[4];
    explicit Taps8(const std::int8_t* t) {
        for (int k = 0; k < 4; ++k) {
            c[k] = pair8(t[2 * k], t[2 * k + 1]);
            m[k] = shuffle_of(2 * k);
        }
    }
    // v: per half 16 pixels from -3 on; the sums of 8 places per half.
    __m256i of(__m256i v) const {
        const __m256i a = _mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m[0]), c[0]);
        const __m256i b = _mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m[1]), c[1]);
        const __m256i d = _mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m[2]), c[2]);
        const __m256i e = _mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m[3]), c[3]);
        return _mm256_add_epi16(_mm256_add_epi16(a, b), _mm256_add_epi16(d, e));
    }
};

// What a row, or two rows of 8, of 16 pixels is made of, in 1/64.
template <bool kWide>
__m256i whole_row(const std::uint8_t* a, const std::uint8_t* b) {
    return kWide ? _mm256_cvtepu8_epi16(load16(a)) : load8x2(a, b);
}
template <bool kWide>
__m256i filtered_row(const Taps8& taps, const std::uint8_t* a, const std::uint8_t* b) {
    return taps.of(both(load16(a - 3), load16(kWide ? a + 5 : b - 3)));
}
template <bool kWide>
void put_row(std::uint8_t* to, std::ptrdiff_t stride, __m256i v) {
    if (kWide)
        store16(to, v);
    else
        store8x2(to, to + stride, v);
}

__m256i clamped(__m256i v) {
    return _mm256_min_epi16(_mm256_max_epi16(v, _mm256_setzero_si256()), _mm256_set1_epi16(255));
}

// Blocks of 16 columns (kWide), a row at a time, or of 8 columns, two rows at a time.
template <bool kWide>
void luma_block(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
                std::ptrdiff_t stride, int height) {
    constexpr int kRows = kWide ? 1 : 2;
    const bool whole_x = is_copy(tx, 3), whole_y = is_copy(ty, 3);
    const std::ptrdiff_t step = from.stride;
    const Taps8 taps(tx);
    if (whole_y) {
        for (int y = 0; y < height; y += kRows) {
            const std::uint8_t* const line = from.at + y * step;
            __m256i v;
            if (whole_x) {
                v = whole_row<kWide>(line, line + step);
            } else {
                v = filtered_row<kWide>(taps, line, line + step);
                v = clamped(_mm256_srai_epi16(_mm256_add_epi16(v, _mm256_set1_epi16(32)), 6));
            }
            put_row<kWide>(to + y * stride, stride, v);
        }
        return;
    }
    __m256i c[4];
    for (int k = 0; k < 4; ++k) c[k] = pair16(ty[2 * k], ty[2 * k + 1]);
    // Rows k and k + 1 side by side. Of 8 columns the upper halves are rows k + 1 and k + 2.
    __m256i low[40], high[40];
    const std::uint8_t* line = from.at - 3 * step;
    const auto make = [&](const std::uint8_t* at) {
        return whole_x ? _mm256_slli_epi16(whole_row<kWide>(at, at + step), 6)
                       : filtered_row<kWide>(taps, at, at + step);
    };
    const int count = height + 7;
    if (kWide) {
        __m256i last = make(line);
        for (int k = 1; k < count; ++k) {
            line += step;
            const __m256i next = make(line);
            low[k - 1] = _mm256_unpacklo_epi16(last, next);
            high[k - 1] = _mm256_unpackhi_epi16(last, next);
            last = next;
        }
    } else {
        __m256i last = make(line);  // rows k, k + 1
        for (int k = 0; k < count - 1; k += 2) {
            line += 2 * step;
            const __m256i next = make(line);  // rows k + 2, k + 3
            const __m256i middle =
                _mm256_permute2x128_si256(last, next, 0x21);  // rows k + 1, k + 2
            low[k] = _mm256_unpacklo_epi16(last, middle);
            high[k] = _mm256_unpackhi_epi16(last, middle);
            last = next;
        }
    }
    const __m256i round = _mm256_set1_epi32(2048);
    for (int y = 0; y < height; y += kRows) {
        __m256i a = round, b = round;
        for (int k = 0; k < 4; ++k) {
            a = _mm256_add_epi32(a, _mm256_madd_epi16(low[y + 2 * k], c[k]));
            b = _mm256_add_epi32(b, _mm256_madd_epi16(high[y + 2 * k], c[k]));
        }
        const __m256i v = _mm256_packs_epi32(_mm256_srai_epi32(a, 12), _mm256_srai_epi32(b, 12));
        put_row<kWide>(to + y * stride, stride, clamped(v));
    }
}

void luma(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
          std::ptrdiff_t stride, int width, int height) {
    int x = 0;
    for (; x + 16 <= width; x += 16)
        luma_block<true>({from.at + x, from.stride}, tx, ty, to + x, stride, height);
    if (x < width) luma_block<false>({from.at + x, from.stride}, tx, ty, to + x, stride, height);
}

__m256i vertical4(__m256i r0, __m256i r1, __m256i r2, __m256i r3, __m256i c0, __m256i c1) {
    const __m256i round = _mm256_set1_epi32(2048);
    const __m256i a = _mm256_add_epi32(_mm256_madd_epi16(_mm256_unpacklo_epi16(r0, r1), c0),
                                       _mm256_madd_epi16(_mm256_unpacklo_epi16(r2, r3), c1));
    const __m256i b = _mm256_add_epi32(_mm256_madd_epi16(_mm256_unpackhi_epi16(r0, r1), c0),
                                       _mm256_madd_epi16(_mm256_unpackhi_epi16(r2, r3), c1));
    return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(a, round), 12),
                              _mm256_srai_epi32(_mm256_add_epi32(b, round), 12));
}

// 16 columns.
void chroma_wide(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
                 std::ptrdiff_t stride, int height) {
    const __m256i x0 = pair8(tx[0], tx[1]), x1 = pair8(tx[2], tx[3]), y0 = pair16(ty[0], ty[1]),
                  y1 = pair16(ty[2], ty[3]), m0 = shuffle_of(0), m1 = shuffle_of(2);
    const auto row = [&](int y) {
        const std::uint8_t* const line = from.at + y * from.stride - 1;
        const __m256i v = both(load16(line), load16(line + 8));
        return _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m0), x0),
                                _mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m1), x1));
    };
    __m256i a = row(-1), b = row(0), c = row(1);
    for (int y = 0; y < height; ++y) {
        const __m256i d = row(y + 2);
        store16(to + y * stride, vertical4(a, b, c, d, y0, y1));
        a = b;
        b = c;
        c = d;
    }
}

// 4 columns and 4 rows.
void chroma_narrow(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
                   std::ptrdiff_t stride) {
    const __m256i x0 = pair8(tx[0], tx[1]), x1 = pair8(tx[2], tx[3]), y0 = pair16(ty[0], ty[1]),
                  y1 = pair16(ty[2], ty[3]);
    const __m256i m0 = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 8, 9, 9, 10, 10, 11, 11, 12));
    const __m256i m1 = _mm256_add_epi8(m0, _mm256_set1_epi8(2));
    const auto four_rows = [&](int y) {
        const std::uint8_t* const line = from.at + y * from.stride - 1;
        const __m256i v =
            both(_mm_unpacklo_epi64(load8(line), load8(line + from.stride)),
                 _mm_unpacklo_epi64(load8(line + 2 * from.stride), load8(line + 3 * from.stride)));
        return _mm256_add_epi16(_mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m0), x0),
                                _mm256_maddubs_epi16(_mm256_shuffle_epi8(v, m1), x1));
    };
    const __m256i r0 = four_rows(-1), r4 = four_rows(3);  // rows 0..3 and 4..7
    const __m256i r2 = _mm256_permute2x128_si256(r0, r4, 0x21);
    const __m256i r1 = _mm256_alignr_epi8(r2, r0, 8), r3 = _mm256_alignr_epi8(r4, r2, 8);
    const __m256i v = vertical4(r0, r1, r2, r3, y0, y1);
    const __m128i pixels =
        _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    alignas(16) std::uint32_t rows[4];
    _mm_store_si128(reinterpret_cast<__m128i*>(rows), pixels);
    for (int y = 0; y < 4; ++y) std::memcpy(to + y * stride, &rows[y], 4);
}

void chroma(Pixels from, const std::int8_t* tx, const std::int8_t* ty, std::uint8_t* to,
            std::ptrdiff_t stride, int width, int height) {
    if (is_copy(tx, 1) && is_copy(ty, 1)) {
        for (int y = 0; y < height; ++y) {
            std::memcpy(to + y * stride, from.at + y * from.stride,
                        static_cast<std::size_t>(width));
        }
        return;
    }
    int x = 0;
    for (; x + 16 <= width; x += 16)
        chroma_wide({from.at + x, from.stride}, tx, ty, to + x, stride, height);
    for (; x < width; x += 4) {
        for (int y = 0; y < height; y += 4) {
            chroma_narrow({from.at + y * from.stride + x, from.stride}, tx, ty, to + y * stride + x,
                          stride);
        }
    }
}

std::uint32_t sum_of(__m256i v) {  // of 8 int32
    const __m128i a = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    const __m128i b = _mm_add_epi32(a, _mm_shuffle_epi32(a, 0x4e));
    return static_cast<std::uint32_t>(
        _mm_cvtsi128_si32(_mm_add_epi32(b, _mm_shuffle_epi32(b, 0xb1))));
}

std::uint32_t ssd16(Pixels a, Pixels b) {
    __m256i sum = _mm256_setzero_si256();
    for (int y = 0; y < 16; ++y) {
        const __m256i d = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load16(a.at + y * a.stride)),
                                           _mm256_cvtepu8_epi16(load16(b.at + y * b.stride)));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(d, d));
    }
    return sum_of(sum);
}

std::uint32_t ssd8(Pixels a, Pixels b) {
    __m256i sum = _mm256_setzero_si256();
    for (int y = 0; y < 8; y += 2) {
        const std::uint8_t *p = a.at + y * a.stride, *q = b.at + y * b.stride;
        const __m256i d = _mm256_sub_epi16(load8x2(p, p + a.stride), load8x2(q, q + b.stride));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(d, d));
    }
    return sum_of(sum);
}

std::uint32_t sad8(Pixels a, Pixels b) {
    const auto two = [](const Pixels& p, int y) {
        return _mm_unpacklo_epi64(load8(p.at + y * p.stride), load8(p.at + (y + 1) * p.stride));
    };
    __m128i sum = _mm_setzero_si128();
    for (int y = 0; y < 8; y += 2) sum = _mm_add_epi64(sum, _mm_sad_epu8(two(a, y), two(b, y)));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(sum) + _mm_extract_epi16(sum, 4));
}

void average(std::uint8_t* to, const std::uint8_t* other, int count) {
    for (int k = 0; k < count; k += 16) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + k),
                         _mm_avg_epu8(load16(to + k), load16(other + k)));
    }
}

void halve(const std::uint8_t* above, const std::uint8_t* below, std::uint8_t* to, int width) {
    const __m128i ones = _mm_set1_epi8(1), two = _mm_set1_epi16(2);
    int x = 0;
    for (; x + 8 <= width; x += 8) {
        const __m128i sum = _mm_add_epi16(_mm_maddubs_epi16(load16(above + 2 * x), ones),
                                          _mm_maddubs_epi16(load16(below + 2 * x), ones));
        const __m128i mean = _mm_srli_epi16(_mm_add_epi16(sum, two), 2);
        _mm_storel_epi64(reinterpret_cast<__m128i*>(to + x), _mm_packus_epi16(mean, mean));
    }
    for (; x < width; ++x) {
        const int sum = above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1];
        to[x] = static_cast<std::uint8_t>((sum + 2) >> 2);
    }
}

// The sums across, of four pixels pairs a half: 2 rows of 8, or 4 rows of 4.
void blend8(const std::uint8_t* const* parts, std::uint8_t* to, std::ptrdiff_t stride) {
    const __m256i across = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(15, 1, 13, 3, 11, 5, 9, 7, 7, 9, 5, 11, 3, 13, 1, 15));
    for (int y = 0; y < 8; y += 2) {
        const auto sums = [&](const std::uint8_t* left, const std::uint8_t* right) {
            const __m128i l = load16(left + 8 * y), r = load16(right + 8 * y);
            return _mm256_maddubs_epi16(both(_mm_unpacklo_epi8(l, r), _mm_unpackhi_epi8(l, r)),
                                        across);
        };
        const __m256i g = both(_mm_set1_epi16(static_cast<short>(2 * y + 1)),
                               _mm_set1_epi16(static_cast<short>(2 * y + 3)));
        const __m256i upper = _mm256_mullo_epi16(sums(parts[0], parts[1]),
                                                 _mm256_sub_epi16(_mm256_set1_epi16(16), g));
        const __m256i lower = _mm256_mullo_epi16(sums(parts[2], parts[3]), g);
        const __m256i sum =
            _mm256_add_epi16(_mm256_add_epi16(upper, lower), _mm256_set1_epi16(128));
        store8x2(to + y * stride, to + (y + 1) * stride, _mm256_srli_epi16(sum, 8));
    }
}

void blend4(const std::uint8_t* const* parts, std::uint8_t* to, std::ptrdiff_t stride) {
    const __m256i across =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(7, 1, 5, 3, 3, 5, 1, 7, 7, 1, 5, 3, 3, 5, 1, 7));
    const auto sums = [&](const std::uint8_t* left, const std::uint8_t* right) {
        const __m128i l = load16(left), r = load16(right);
        return _mm256_maddubs_epi16(both(_mm_unpacklo_epi8(l, r), _mm_unpackhi_epi8(l, r)), across);
    };
    const __m256i g = _mm256_setr_epi16(1, 1, 1, 1, 3, 3, 3, 3, 5, 5, 5, 5, 7, 7, 7, 7);
    const __m256i upper =
        _mm256_mullo_epi16(sums(parts[0], parts[1]), _mm256_sub_epi16(_mm256_set1_epi16(8), g));
    const __m256i lower = _mm256_mullo_epi16(sums(parts[2], parts[3]), g);
    const __m256i sum = _mm256_srli_epi16(
        _mm256_add_epi16(_mm256_add_epi16(upper, lower), _mm256_set1_epi16(32)), 6);
    const __m128i pixels =
        _mm_packus_epi16(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    alignas(16) std::uint32_t rows[4];
    _mm_store_si128(reinterpret_cast<__m128i*>(rows), pixels);
    for (int y = 0; y < 4; ++y) std::memcpy(to + y * stride, &rows[y], 4);
}

}  // namespace

const MotionKernels kMotionAvx2 = {luma, chroma, ssd16, ssd8, sad8, average, halve, blend8, blend4};

}  // namespace streamcodec
