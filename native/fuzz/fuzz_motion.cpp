// The motion of a P-frame, from symbols that are chosen freely: a field that is legal, predicts the
// same by all loops, and is written to symbols that give it again; or damage.
#include "fuzz.hpp"
#include "motion/predict.hpp"
#include "motion/syntax.hpp"
#include "platform/error.hpp"

using namespace streamcodec;

namespace {

class ChosenSymbols : public SymbolSource {
  public:
    explicit ChosenSymbols(fuzz::Choices& choices) : choices_(choices) {}
    std::int32_t get(int row) override {
        const Alphabet alphabet = motion_alphabet(row);
        const std::uint8_t choice = choices_.byte();
        if (choice >= 250) return choices_.number();
        return alphabet.first + (choice < 128 ? choice % alphabet.count : alphabet.count / 2);
    }

  private:
    fuzz::Choices& choices_;
};

class Memory : public SymbolSink, public SymbolSource {
  public:
    void put(std::int32_t symbol, int row) override { all_.push_back({symbol, row}); }
    std::int32_t get(int row) override {
        FUZZ_CHECK(at_ < all_.size() && all_[at_].second == row);
        return all_[at_++].first;
    }

  private:
    std::vector<std::pair<std::int32_t, int>> all_;
    std::size_t at_ = 0;
};

bool are_equal(const MotionField& a, const MotionField& b) {
    bool same = a.modes == b.modes && a.filters == b.filters && a.blocks.size() == b.blocks.size();
    for (std::size_t i = 0; same && i < a.blocks.size(); ++i)
        same = a.blocks[i].previous == b.blocks[i].previous && a.blocks[i].key == b.blocks[i].key;
    return same;
}

Picture noise(int rows, int columns, unsigned seed) {
    Picture picture(kMacroblock * rows, kMacroblock * columns);
    for (Plane* plane : {&picture.luma, &picture.u, &picture.v}) {
        for (int y = 0; y < plane->height(); ++y) {
            for (int x = 0; x < plane->width(); ++x) {
                seed = seed * 1664525u + 1013904223u;
                plane->row(y)[x] = static_cast<std::uint8_t>(seed >> 24);
            }
        }
        plane->extend();
    }
    return picture;
}

bool are_equal(const Plane& a, const Plane& b) {
    for (int y = 0; y < a.height(); ++y) {
        if (!std::equal(a.row(y), a.row(y) + a.width(), b.row(y))) return false;
    }
    return true;
}

void check_field(const MotionField& field, const MotionContext& context) {
    field.check();
    MotionField written = field;
    Memory memory;
    write_motion(written, context, memory);
    FUZZ_CHECK(are_equal(written, field));
    FUZZ_CHECK(are_equal(read_motion(field.rows, field.columns, context, memory), field));
    static const Picture previous = noise(3, 3, 1), key = noise(3, 3, 2);
    static Picture plain(48, 48), other(48, 48);
    if (field.rows != 3 || field.columns != 3) return;
    predict(field, previous, &key, plain, InstructionSet::scalar, nullptr);
    for (const InstructionSet set : available_instruction_sets()) {
        predict(field, previous, &key, other, set, nullptr);
        FUZZ_CHECK(are_equal(plain.luma, other.luma) && are_equal(plain.u, other.u) &&
                   are_equal(plain.v, other.v));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Choices choices(data, size);
    ChosenSymbols symbols(choices);
    const int side = choices.below(4) == 0 ? 1 + choices.below(6) : 3;
    try {
        const MotionContext first{nullptr, false, choices.below(64)};
        const MotionField before = read_motion(side, 3, first, symbols);
        check_field(before, first);
        const MotionContext second{&before, choices.below(4) != 0, choices.below(64)};
        check_field(read_motion(side, 3, second, symbols), second);
    } catch (const CorruptStream&) {
    }
    return 0;
}
