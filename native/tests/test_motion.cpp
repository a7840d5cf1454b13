// Motion: the loops of every instruction set agree, and what a search finds is coded and predicted.
#include "check.hpp"
#include "motion/dispatch.hpp"
#include "motion/filters.hpp"
#include "motion/predict.hpp"
#include "motion/scenecut.hpp"
#include "motion/search.hpp"
#include "motion/syntax.hpp"
#include "platform/team.hpp"

#include <deque>
#include <random>

using namespace streamcodec;

namespace {

Plane random_plane(int height, int width, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(height * width));
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(random() >> 24);
    Plane plane(height, width);
    plane.fill(pixels.data(), height, width);
    return plane;
}

bool alike(const Plane& a, const Plane& b) {
    for (int y = -Plane::kBorder; y < a.height() + Plane::kBorder; ++y) {
        const std::uint8_t* const line = a.row(y) - Plane::kBorder;
        if (!std::equal(line, line + a.width() + 2 * Plane::kBorder, b.row(y) - Plane::kBorder))
            return false;
    }
    return true;
}

// Keeps symbols with their rows and hands them back.
class Memory : public SymbolSink, public SymbolSource {
  public:
    void put(std::int32_t symbol, int row) override { kept_.push_back({symbol, row}); }
    std::int32_t get(int row) override {
        CHECK(!kept_.empty() && kept_.front().second == row);
        const std::int32_t symbol = kept_.front().first;
        kept_.pop_front();
        return symbol;
    }
    bool empty() const { return kept_.empty(); }

  private:
    std::deque<std::pair<std::int32_t, int>> kept_;
};

// Hands out nonsense within and beyond the alphabets.
class Noise : public SymbolSource {
  public:
    explicit Noise(unsigned seed) : random_(seed) {}
    std::int32_t get(int row) override {
        const Alphabet alphabet = motion_alphabet(row);
        const auto n = static_cast<unsigned>(random_());
        if (n % 64 == 0) return static_cast<std::int32_t>(random_());
        return alphabet.first +
               static_cast<std::int32_t>(n / 64 % static_cast<unsigned>(alphabet.count));
    }

  private:
    std::mt19937 random_;
};

bool same_field(const MotionField& a, const MotionField& b) {
    if (a.modes != b.modes || a.filters != b.filters || a.blocks.size() != b.blocks.size())
        return false;
    for (std::size_t k = 0; k < a.blocks.size(); ++k) {
        if (a.blocks[k].previous != b.blocks[k].previous || a.blocks[k].key != b.blocks[k].key)
            return false;
    }
    return true;
}

}  // namespace

TEST(motion_loops_of_all_instruction_sets_agree) {
    const Plane a = random_plane(96, 128, 1), b = random_plane(96, 128, 2);
    std::mt19937 random(3);
    for (const InstructionSet set : available_instruction_sets()) {
        const MotionKernels &fast = motion_kernels_for(set), &plain = kMotionScalar;
        for (int trial = 0; trial < 300; ++trial) {
            const auto upto = [&](int n) {
                return static_cast<int>(random() % static_cast<unsigned>(n));
            };
            const Pixels p{a.row(upto(80)) + upto(90), a.stride()},
                q{b.row(upto(80)) + upto(90), b.stride()};
            CHECK(fast.ssd16(p, q) == plain.ssd16(p, q));
            CHECK(fast.ssd8(p, q) == plain.ssd8(p, q));
            CHECK(fast.sad8(p, q) == plain.sad8(p, q));
            const int filter = upto(3), width = 8 * (1 + upto(4)), height = 4 * (1 + upto(8));
            std::uint8_t to[2][32 * 40] = {};
            for (const bool second : {false, true}) {
                const MotionKernels* const kernels = second ? &plain : &fast;
                std::uint8_t* const out = to[second];
                kernels->luma(p, kLumaTaps[filter][trial % 4], kLumaTaps[filter][trial / 4 % 4],
                              out, 40, width, height);
            }
            CHECK(std::equal(to[0], to[0] + 32 * 40, to[1]));
            const int thin = 4 * (1 + upto(8));
            for (const bool second : {false, true}) {
                const MotionKernels* const kernels = second ? &plain : &fast;
                std::uint8_t* const out = to[second];
                kernels->chroma(p, kChromaTaps[filter][trial % 8],
                                kChromaTaps[filter][trial / 8 % 8], out, 40, thin, height);
                kernels->average(out, q.at, 96);
                kernels->halve(q.at, p.at, out + 200, 1 + trial % 40);
                const std::uint8_t* const parts[4] = {p.at, q.at, p.at + 64, q.at + 64};
                kernels->blend8(parts, out + 300, 40);
                kernels->blend4(parts, out + 700, 40);
            }
            CHECK(std::equal(to[0], to[0] + 32 * 40, to[1]));
        }
    }
}

TEST(motion_that_a_search_finds_is_coded_and_predicted) {
    const Plane first = random_plane(80, 112, 5);
    Plane second(80, 112);
    for (int y = 0; y < 80; ++y) std::copy_n(first.row(y + 3) + 5, 112, second.row(y));
    second.extend();
    std::vector<std::int32_t> cdf, lengths, offsets;
    for (int row = 0; row < kMotionRows; ++row) {
        const Alphabet alphabet = motion_alphabet(row);
        for (int k = 0; k < 132; ++k) cdf.push_back(k < alphabet.count + 1 ? k : 0);
        cdf[static_cast<std::size_t>(row * 132 + alphabet.count + 1)] = 16384;
        lengths.push_back(alphabet.count + 2);
        offsets.push_back(alphabet.first);
    }
    const Tables tables({cdf.data(), cdf.size()}, 132, {lengths.data(), lengths.size()},
                        {offsets.data(), offsets.size()});
    const MotionCosts costs(tables, 0);
    SearchOptions options;
    options.lambda_16 = 50;
    MotionField field = search_motion(second, first, nullptr, {nullptr, false, 50}, costs, options);
    CHECK(field.block(4, 6).previous == (Vector{12, 20}));
    Memory memory;
    write_motion(field, {nullptr, false, 50}, memory);
    CHECK(same_field(read_motion(5, 7, {nullptr, false, 50}, memory), field));
    CHECK(memory.empty());

    Picture reference(80, 112), plain(80, 112);
    reference.luma = first;
    reference.u = random_plane(40, 56, 6);
    reference.v = random_plane(40, 56, 7);
    predict(field, reference, nullptr, plain, InstructionSet::scalar);
    Team team(3);
    for (const InstructionSet set : available_instruction_sets()) {
        Picture out(80, 112);
        predict(field, reference, nullptr, out, set, &team);
        CHECK(alike(out.luma, plain.luma) && alike(out.u, plain.u) && alike(out.v, plain.v));
    }
    field.modes[3] = kFromKey;
    CHECK_THROWS(BadArgument, predict(field, reference, nullptr, plain, InstructionSet::scalar));
    CHECK_THROWS(BadArgument, write_motion(field, {nullptr, false, 50}, memory));
}

TEST(motion_symbols_that_are_nonsense_give_a_legal_field_or_damage) {
    int legal = 0, damaged = 0;
    MotionField before(3, 4);
    for (unsigned seed = 0; seed < 400; ++seed) {
        Noise noise(seed);
        try {
            MotionField field = read_motion(3, 4, {&before, seed % 2 == 1, 10}, noise);
            field.check();
            Memory memory;
            write_motion(field, {&before, seed % 2 == 1, 10}, memory);
            CHECK(same_field(read_motion(3, 4, {&before, seed % 2 == 1, 10}, memory), field));
            before = field;
            ++legal;
        } catch (const CorruptStream&) {
            ++damaged;
        }
    }
    CHECK(legal > 0 && damaged > 0);
}

TEST(cuts_are_found_with_every_instruction_set) {
    const Plane a = random_plane(64, 96, 8), b = random_plane(64, 96, 9);
    const std::int64_t score = cut_score(a, b, InstructionSet::scalar);
    for (const InstructionSet set : available_instruction_sets()) {
        CHECK(cut_score(a, b, set) == score);
        CHECK(cut_score(a, a, set) == 0);
    }
    CHECK_THROWS(BadArgument, SceneCutDetector(65537, InstructionSet::scalar));
}
