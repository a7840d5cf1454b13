// The motion of a P-frame, from symbols that are chosen freely: a field that is legal, and is
// written to symbols that give it again; or damage.
#include "fields.hpp"
#include "platform/error.hpp"

using namespace streamcodec;

namespace {

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

// Whether both predict the same. With `all`, vectors that are not used are compared too.
bool are_equal(const MotionField& a, const MotionField& b, bool all) {
    bool same = a.modes == b.modes && a.filters == b.filters && a.blocks.size() == b.blocks.size();
    for (int y = 0; same && y < 2 * a.rows; ++y) {
        for (int x = 0; x < a.stride(); ++x) {
            const std::uint8_t mode = a.modes[a.at(y / 2, x / 2)];
            const Pair &one = a.block(y, x), &other = b.block(y, x);
            same = same && ((!all && mode == kFromKey) || one.previous == other.previous) &&
                   ((!all && mode == kFromPrevious) || one.key == other.key);
        }
    }
    return same;
}

// Symbols may say in several ways what a writer says in one: it may derive other vectors that are
// not used.
void check_field(const MotionField& field, const MotionContext& context) {
    field.check();
    MotionField written = field;
    Memory memory;
    write_motion(written, context, memory);
    FUZZ_CHECK(are_equal(written, field, false));
    FUZZ_CHECK(are_equal(read_motion(field.rows, field.columns, context, memory), written, true));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Choices choices(data, size);
    fuzz::ChosenSymbols symbols(choices);
    const int rows = 1 + choices.below(4), columns = 1 + choices.below(4);
    try {
        const MotionContext first{nullptr, false, choices.below(64)};
        const MotionField before = read_motion(rows, columns, first, symbols);
        check_field(before, first);
        const MotionContext second{&before, choices.below(4) != 0, choices.below(64)};
        check_field(read_motion(rows, columns, second, symbols), second);
    } catch (const CorruptStream&) {
    }
    return 0;
}
