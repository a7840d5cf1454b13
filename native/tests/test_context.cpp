// Latents coded with context: every instruction set and number of threads does the same, and damage
// is an error.
#include "check.hpp"
#include "coder/stream.hpp"
#include "context_samples.hpp"
#include "platform/error.hpp"

using namespace samples;

namespace {

constexpr Schedule kSchedules[] = {Schedule::raster, Schedule::checkerboard};

struct Sample {
    std::shared_ptr<const Tables> tables;
    ContextModel model;
    Latent latent;
    Bytes bytes;

    Sample(std::mt19937& random, Schedule schedule, std::int32_t height, std::int32_t width)
        : tables(random_tables(random, 40).tables()),
          model(random_context(random, schedule, 40).model()),
          latent(random, model, height, width),
          bytes(encode(model, latent, tables, InstructionSet::scalar)) {}

    bool is_refused(const Bytes& damaged, InstructionSet set) {
        try {
            decode(model, latent, tables, damaged, set, 2);
            return false;
        } catch (const CorruptStream&) {
            return true;
        }
    }
};

}  // namespace

TEST(context_gives_the_same_for_every_instruction_set_and_number_of_threads) {
    std::mt19937 random(20);
    for (const Schedule schedule : kSchedules) {
        for (int round = 0; round < 12; ++round) {
            Sample sample(random, schedule, random_between(random, 1, 20),
                          random_between(random, 1, 40));
            const std::vector<std::int32_t> y_hat = sample.latent.y_hat;
            for (const InstructionSet set : available_instruction_sets()) {
                for (const std::size_t threads : {1, 2, 5}) {
                    CHECK(encode(sample.model, sample.latent, sample.tables, set, threads) ==
                          sample.bytes);
                    CHECK(sample.latent.y_hat == y_hat);
                    std::fill(sample.latent.y_hat.begin(), sample.latent.y_hat.end(), 0);
                    decode(sample.model, sample.latent, sample.tables, sample.bytes, set, threads);
                    CHECK(sample.latent.y_hat == y_hat);
                }
            }
        }
    }
}

TEST(context_streams_cut_anywhere_are_refused) {
    std::mt19937 random(21);
    for (const Schedule schedule : kSchedules) {
        Sample sample(random, schedule, 4, 5);
        for (const InstructionSet set : available_instruction_sets()) {
            for (std::size_t size = 0; size < sample.bytes.size(); size += 1 + random() % 3) {
                CHECK(sample.is_refused(
                    Bytes(sample.bytes.begin(), sample.bytes.begin() + static_cast<long>(size)),
                    set));
            }
        }
    }
}

TEST(context_streams_with_flipped_bits_do_no_harm_and_all_instruction_sets_agree) {
    std::mt19937 random(22);
    for (const Schedule schedule : kSchedules) {
        Sample sample(random, schedule, 5, 8);
        std::uint32_t states[kMaxLanes];
        const std::size_t words = read_head(view(sample.bytes), states).words.size;
        std::size_t unseen = 0, flips = 0;
        for (std::size_t bit = 0; bit < 8 * sample.bytes.size(); bit += 1 + random() % 12) {
            Bytes flipped = sample.bytes;
            flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
            const bool refused = sample.is_refused(flipped, InstructionSet::scalar);
            const std::vector<std::int32_t> y_hat = sample.latent.y_hat;
            const bool in_words =
                bit / 8 >=
                sample.bytes.size() - words;  // before, it may change just an escaped value
            flips += in_words ? 1 : 0;
            unseen += in_words && !refused ? 1 : 0;
            for (const InstructionSet set : available_instruction_sets()) {
                CHECK(sample.is_refused(flipped, set) == refused);
                CHECK(refused || sample.latent.y_hat == y_hat);
            }
        }
        CHECK(flips > 30 && unseen < flips / 10);
    }
}

TEST(context_symbols_beyond_the_limit_are_refused) {
    std::mt19937 random(23);
    const auto tables = rows_of({{0, 8000, 16384}}, {0}).tables();
    const ContextModel model = random_context(random, Schedule::raster, 1).model();
    Latent latent(random, model, 1, 1);
    for (const std::int32_t symbol :
         {kMaxContextSymbol, kMaxContextSymbol + 1, -kMaxContextSymbol - 1}) {
        Encoder encoder(tables, InstructionSet::scalar);
        const std::vector<std::int32_t> symbols(model.channels(), symbol);
        const std::vector<std::uint16_t> indexes(model.channels(), 0);
        encoder.put(view(symbols), view(indexes));
        const Bytes bytes = encoder.finish();
        if (symbol == kMaxContextSymbol) {
            decode(model, latent, tables, bytes, InstructionSet::scalar);
        } else {
            CHECK_THROWS(CorruptStream,
                         decode(model, latent, tables, bytes, InstructionSet::scalar));
        }
    }
}

TEST(context_jobs_that_do_not_fit_are_refused) {
    std::mt19937 random(24);
    Sample sample(random, Schedule::raster, 3, 4);
    const ContextJob good = sample.latent.job(InstructionSet::scalar);
    const auto refuse = [&](ContextJob job, const Tables& tables) {
        CHECK_THROWS(BadArgument,
                     sample.model.encode(view(sample.latent.values), tables, nullptr, job));
    };
    sample.model.encode(view(sample.latent.values), *sample.tables, nullptr, good);
    for (const std::size_t threads : {0, 257})
        refuse(sample.latent.job(InstructionSet::scalar, threads), *sample.tables);
    ContextJob job = good;
    job.height = 0;
    refuse(job, *sample.tables);
    job.height = 4;
    refuse(job, *sample.tables);
    refuse(good, *random_tables(random, 39).tables());
    auto arrays = random_tables(random, 40);
    arrays.offset[0] = kMaxContextSymbol + 1;  // of the certain row
    refuse(good, *arrays.tables());
    for (const std::int32_t feature : {kContextLimit + 1, -kContextLimit - 1}) {
        sample.latent.features[5] = feature;
        refuse(good, *sample.tables);
    }
    sample.latent.features[5] = -kContextLimit;
    sample.model.encode(view(sample.latent.values), *sample.tables, nullptr, good);
    sample.latent.values.pop_back();
    refuse(good, *sample.tables);
}
