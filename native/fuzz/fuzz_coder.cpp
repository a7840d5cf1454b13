// The symbol decoder: plain loops and wide ones refuse a stream, or get the same symbols out of it.
#include <optional>

#include "decoded.hpp"
#include "fuzz.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

// The first `batch` symbols at once, the others one by one; none if the stream is refused.
std::optional<std::vector<std::int32_t>> symbols_of(const fuzz::CoderSample& sample,
                                                    std::size_t count, std::size_t batch,
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
    static const fuzz::CoderSample sample;
    fuzz::Choices choices(data, size);
    const InstructionSet set = choices.one_of(fuzz::wide_sets());
    const std::size_t count = static_cast<std::size_t>(choices.byte()) * 2,
                      batch = count * choices.byte() / 255;
    FUZZ_CHECK(symbols_of(sample, count, batch, choices.rest(), set) ==
               symbols_of(sample, count, batch, choices.rest(), InstructionSet::scalar));
    return 0;
}
