// The symbol decoder: all instruction sets refuse a stream, or get the same symbols out of it.
#include <optional>

#include "fuzz.hpp"
#include "platform/error.hpp"
#include "samples.hpp"

using namespace samples;

namespace {

struct Sample {
    std::shared_ptr<const Tables> tables;
    std::vector<std::uint16_t> indexes;
};

Sample make_sample() {
    std::mt19937 random(1);
    Sample sample;
    sample.tables = random_tables(random, 12).tables();
    for (int i = 0; i < 3000; ++i)
        sample.indexes.push_back(static_cast<std::uint16_t>(random() % 12));
    return sample;
}

// The first `batch` symbols at once, the others one by one; none if the stream is refused.
std::optional<std::vector<std::int32_t>> symbols_of(const Sample& sample, std::size_t count,
                                                    std::size_t batch,
                                                    View<const std::uint8_t> stream,
                                                    InstructionSet set) {
    try {
        Decoder decoder(sample.tables, stream, set);
        std::vector<std::int32_t> symbols(count);
        decoder.get(view(sample.indexes).first(batch), symbols.data());
        for (std::size_t i = batch; i < count; ++i) symbols[i] = decoder.get_one(sample.indexes[i]);
        decoder.finish();
        return symbols;
    } catch (const CorruptStream&) {
        return {};
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Sample sample = make_sample();
    fuzz::Choices choices(data, size);
    const std::size_t count = static_cast<std::size_t>(choices.byte()) * 11,
                      batch = count * choices.byte() / 255;
    const auto expected = symbols_of(sample, count, batch, choices.rest(), InstructionSet::scalar);
    for (const InstructionSet set : available_instruction_sets())
        FUZZ_CHECK(symbols_of(sample, count, batch, choices.rest(), set) == expected);
    return 0;
}
