// Prediction by any legal motion field: the same by plain loops and by wide ones.
#include "fields.hpp"
#include "motion/predict.hpp"
#include "platform/error.hpp"

using namespace streamcodec;

namespace {

Picture noise(unsigned seed) {
    Picture picture(kMacroblock, kMacroblock);
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Picture previous = noise(1), key = noise(2);
    static Picture plain(kMacroblock, kMacroblock), other(kMacroblock, kMacroblock);
    fuzz::Choices choices(data, size);
    const InstructionSet set = choices.one_of(fuzz::wide_sets());
    fuzz::ChosenSymbols symbols(choices);
    try {
        const MotionField field = read_motion(1, 1, {nullptr, true, 30}, symbols);
        predict(field, previous, &key, plain, InstructionSet::scalar);
        predict(field, previous, &key, other, set);
        FUZZ_CHECK(are_equal(plain.luma, other.luma) && are_equal(plain.u, other.u) &&
                   are_equal(plain.v, other.v));
    } catch (const CorruptStream&) {
    }
    return 0;
}
