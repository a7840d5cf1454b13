// A motion field as symbols: the specification of their order, meaning and rows.
//
// Both sides know: the size of the field, the field of the previous frame if it was a P-frame of
// this GOP, whether there is a key frame besides the previous frame, and the quality 0..63.
// Macroblocks come in raster order; x and y are in 8x8 blocks from here on, blocks of a macroblock
// are numbered 0, 1 (above), 2, 3.
//
//   Neighbours of the block or macroblock at (y, x) that is s blocks wide (1 or 2): left L = (y, x
//   - 1), up U = (y - 1, x), corner R = (y - 1, x + s), or (y - 1, x - 1) if that is not in the
//   field or not decoded yet. A neighbour that is not in the field is what another one is: L is U,
//   then U is L, then R is U. With none all are zero (mode 0, filter 0, vectors 0). T: the
//   macroblock's block 0 in the previous field, with the mode 0 if there is no key frame; its key
//   vector is chain() below of its previous vector. Without a previous field T is L. same(a, b):
//   equal mode, filter and vectors that the mode uses.
//
//   chain(v, y, x, s), the key vector that follows from a vector v into the previous frame: with
//   the pixel (8 y + 4 s + (v_y div 4), 8 x + 4 s + (v_x div 4)) clamped into the picture, v + the
//   key vector of the previous field's block there (0 without a previous field), components clamped
//   to -1023..1023.
//
//   kind       0..3: all of the first, second ... different one among L, U, R, T, zero (in this
//   order, by same());
//              4: new, one vector for the macroblock; 5: new, one for each block.
//              Row: pattern * 3 + new, where pattern = p * 4 + t; p: 0 if L, U, R are all the same,
//              1 if only L, U, 2 if only U, R, 3 if only L, R, 4 if none; t: 0, 1, 2 = which of the
//              different ones of L, U, R is T, 3 none; new: how many of the macroblocks to the left
//              and above have kind 4 or 5 (0 outside).
//   if kind >= 4:
//     mode     only with a key frame, else 0. Row: 3 * mode of L + mode of U
//     filter   Row: 3 * filter of L + filter of U
//     with the field of vectors that the mode codes first (`key` in mode 1, else `previous`) and
//     neighbours L, U, R: kind 4:  difference (set 0) to the median of L, U, R for each component
//     kind 5:  for each block: choice 0..3: the first, second ... different one of L, U, R, S; 4:
//     difference (set 1)
//              to the median of L, U, R. Row: 10 * block + 2 * p of these vectors + (1 if S is none
//              of L, U, R). S: the previous field's `previous` there, in mode 1 chain(median of the
//              macroblock's neighbours, s = 1); without a previous field L
//     in mode 2 then the difference (set 2) of the key vector of the macroblock to chain(vector of
//     block 0, s = 2) a difference is y then x, in -64..64, others as escapes. Row of y: spread; of
//     x: 4 + 3 * spread + size, with
//              spread = 0, 1, 2, 3 for a sum of the distances |L - U| + |U - R| + |L - R| in this
//              component of 0, 1..4, 5..16, more; size = 0, 1, 2 for |difference of y| = 0, 1..3,
//              more. For the key vector in mode 2 the neighbours' key vectors make the spread.
//   Vectors that are not coded: in mode 0 a block's key vector is chain(its vector, s = 1); in mode
//   1 the vector `previous` of all blocks is the median of the macroblock's L, U, R; kind 0..3
//   copies those of one block, but chain() again in mode 0. Components beyond -1023..1023, kinds
//   and choices that do not exist are damage.
//
//   Number of a row: first_row + 166 * (quality div 16) + (kind 0, mode 60, filter 69, choice 78,
//   difference 118 + 16 * set) + the row given above.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "coder/decoder.hpp"
#include "coder/encoder.hpp"
#include "coder/tables.hpp"
#include "motion/field.hpp"

namespace streamcodec {

constexpr int kMotionClassRows = 166;
constexpr int kMotionClasses = 4;  // of qualities
constexpr int kMotionRows = kMotionClasses * kMotionClassRows;
constexpr int kMaxDifference = 64;
constexpr int kKinds = 6, kChoices = 5;

// The values of a row 0..kMotionRows - 1: first, first + 1, ... What lies beyond is coded as an
// escape.
struct Alphabet {
    std::int32_t first, count;
};
Alphabet motion_alphabet(int row);

class SymbolSink {
  public:
    virtual ~SymbolSink() = default;
    virtual void put(std::int32_t symbol, int row) = 0;
};

class SymbolSource {
  public:
    virtual ~SymbolSource() = default;
    virtual std::int32_t get(int row) = 0;
};

// What both sides know.
struct MotionContext {
    const MotionField* previous =
        nullptr;  // of the frame before, if it was a P-frame of the same GOP
    bool has_key = false;
    int quality = 0;  // 0..63
};

// Throws BadArgument for a field, a context or sizes that are not accepted. Derives the vectors
// that are not coded: the field is then what the reader gets.
void write_motion(MotionField& field, const MotionContext& context, SymbolSink& sink);

// Throws CorruptStream (or what the source throws).
MotionField read_motion(int rows, int columns, const MotionContext& context, SymbolSource& source);

// Rows are numbered from `first_row` of the coder's tables.
class EncoderSink : public SymbolSink {
  public:
    EncoderSink(Encoder& encoder, int first_row) : encoder_(encoder), first_row_(first_row) {}
    void put(std::int32_t symbol, int row) override {
        symbols_.push_back(symbol);
        rows_.push_back(static_cast<std::uint16_t>(first_row_ + row));
    }
    void flush();  // to be called at the end

  private:
    Encoder& encoder_;
    int first_row_;
    std::vector<std::int32_t> symbols_;
    std::vector<std::uint16_t> rows_;
};

class DecoderSource : public SymbolSource {
  public:
    DecoderSource(Decoder& decoder, int first_row) : decoder_(decoder), first_row_(first_row) {}
    std::int32_t get(int row) override;

  private:
    Decoder& decoder_;
    int first_row_;
};

// Counts symbols: counts()[row][symbol - first of the alphabet], the last place counts escapes.
class CountingSink : public SymbolSink {
  public:
    static constexpr int kPlaces = 2 * kMaxDifference + 2;
    CountingSink() : counts_(static_cast<std::size_t>(kMotionRows * kPlaces)) {}
    void put(std::int32_t symbol, int row) override;
    const std::vector<std::int64_t>& counts() const { return counts_; }

  private:
    std::vector<std::int64_t> counts_;
};

// What a symbol costs with given tables, in 1/256 bit.
class MotionCosts {
  public:
    // Throws BadArgument if the tables do not have all rows with their alphabets.
    MotionCosts(const Tables& tables, int first_row);
    std::uint32_t of(std::int32_t symbol, int row) const {
        if (symbol < -kMaxDifference || symbol > kMaxDifference) return escape(symbol, row);
        return costs_[static_cast<std::size_t>(row * kWidth + kMaxDifference + symbol)];
    }

  private:
    static constexpr int kWidth = 2 * kMaxDifference + 2;
    std::uint32_t escape(std::int32_t symbol, int row) const;
    std::vector<std::uint32_t>
        costs_;  // [row][symbol + kMaxDifference], the escape in the last place
};

class CostSink : public SymbolSink {
  public:
    explicit CostSink(const MotionCosts& costs) : costs_(costs) {}
    void put(std::int32_t symbol, int row) override { cost_ += costs_.of(symbol, row); }
    std::uint64_t cost() const { return cost_; }  // 1/256 bit

  private:
    const MotionCosts& costs_;
    std::uint64_t cost_ = 0;
};

}  // namespace streamcodec
