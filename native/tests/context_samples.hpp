// Context models and latents to test with.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "context/context.hpp"
#include "context/layout.hpp"
#include "samples.hpp"

namespace samples {

inline std::int32_t random_between(std::mt19937& random, std::int32_t least, std::int32_t most) {
    return least +
           static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(most - least + 1));
}

struct LayerNumbers {
    std::vector<std::int16_t> weight;
    std::vector<std::int32_t> shift, bias;
    std::int32_t slope;
};

struct ContextNumbers {
    Schedule schedule = Schedule::raster;
    std::vector<std::int32_t> taps;
    std::vector<LayerNumbers> layers;
    std::vector<std::int32_t> thresholds;

    ContextModel model() const {
        std::vector<LayerArrays> arrays;
        for (const LayerNumbers& layer : layers) {
            arrays.push_back(
                {view(layer.weight), view(layer.shift), view(layer.bias), layer.slope});
        }
        return ContextModel(schedule, view(taps), arrays, view(thresholds));
    }
};

// Weights up to +-255: 256 of them cannot overflow.
inline LayerNumbers random_layer(std::mt19937& random, std::size_t inputs, std::size_t blocks,
                                 std::size_t outputs) {
    LayerNumbers layer;
    for (std::size_t i = 0; i < inputs * outputs; ++i) {
        layer.weight.push_back(static_cast<std::int16_t>(random_between(random, -255, 255)));
    }
    for (std::size_t i = 0; i < blocks * outputs; ++i)
        layer.shift.push_back(random_between(random, 7, 13));
    for (std::size_t i = 0; i < outputs; ++i)
        layer.bias.push_back(random_between(random, -5000, 5000));
    layer.slope = random_between(random, 0, 65536);
    return layer;
}

struct ContextWidths {
    std::size_t channels, features, context, hidden;
};

// For random_tables() with `tables` rows. Two layers after the convolution.
inline ContextNumbers random_context(std::mt19937& random, Schedule schedule, std::size_t tables,
                                     const ContextWidths& widths) {
    ContextNumbers numbers;
    numbers.schedule = schedule;
    if (schedule == Schedule::raster) {
        numbers.taps = {-2, 0, -1, -1, -1, 0, -1, 2, 0, -1};
    } else {
        numbers.taps = {-1, 0, 0, -1, 0, 1, 1, 0, 2, 1};
    }
    const auto [channels, features, context, hidden] = widths;
    numbers.layers.push_back(random_layer(random, 5 * channels, 1, context));
    numbers.layers.push_back(random_layer(random, features + context, 2, hidden));
    numbers.layers.push_back(random_layer(random, hidden, 1, 2 * channels));
    for (std::size_t i = 1; i < tables; ++i)
        numbers.thresholds.push_back(random_between(random, -8000, 20000));
    std::sort(numbers.thresholds.begin(), numbers.thresholds.end());
    return numbers;
}

inline ContextNumbers random_context(std::mt19937& random, Schedule schedule, std::size_t tables) {
    const std::size_t channels = 1 + random() % 20, features = 1 + random() % 300;
    const std::size_t context = 1 + random() % 40, hidden = 1 + random() % 40;
    return random_context(random, schedule, tables, {channels, features, context, hidden});
}

// A latent for a model, and what is found out about it.
struct Latent {
    std::int32_t height, width;
    std::vector<std::int32_t> values, features, y_hat;

    Latent(std::mt19937& random, const ContextModel& model, std::int32_t h, std::int32_t w)
        : height(h), width(w) {
        const auto positions = static_cast<std::size_t>(h * w);
        for (std::size_t i = 0; i < positions * model.channels(); ++i) {
            values.push_back(random_between(random, -60000, 60000));
        }
        for (std::size_t i = 0; i < positions * model.features(); ++i) {
            const std::int32_t most = random() % 50 == 0 ? kContextLimit : 20000;
            features.push_back(random_between(random, -most, most));
        }
        y_hat.resize(values.size());
    }

    ContextJob job(InstructionSet set, std::size_t threads = 1) {
        return {height, width, view(features), threads, set, y_hat.data()};
    }
};

inline Bytes encode(const ContextModel& model, Latent& latent, std::shared_ptr<const Tables> tables,
                    InstructionSet set, std::size_t threads = 1) {
    Encoder encoder(tables, set);
    model.encode(view(latent.values), *tables, &encoder, latent.job(set, threads));
    return encoder.finish();
}

inline void decode(const ContextModel& model, Latent& latent, std::shared_ptr<const Tables> tables,
                   const Bytes& bytes, InstructionSet set, std::size_t threads = 1) {
    Decoder decoder(std::move(tables), view(bytes), set);
    model.decode(decoder, latent.job(set, threads));
    decoder.finish();
}

}  // namespace samples
