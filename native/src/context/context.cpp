#include "context/context.hpp"

#include <algorithm>
#include <string>

#include "context/layout.hpp"
#include "context/run.hpp"
#include "platform/error.hpp"

namespace streamcodec {

namespace {

constexpr std::size_t kMaxThresholds = 65535;  // an index is a uint16
constexpr std::size_t kMaxThreads = 256;
constexpr std::int32_t kMaxSide = 1 << 20;

std::vector<std::int32_t> checked_thresholds(View<const std::int32_t> thresholds) {
    if (thresholds.size > kMaxThresholds || !std::is_sorted(thresholds.begin(), thresholds.end())) {
        throw BadArgument("thresholds are " + std::to_string(thresholds.size) + " numbers" +
                          (thresholds.size > kMaxThresholds ? "" : " that fall") +
                          "; accepted: up to " + std::to_string(kMaxThresholds) + ", not falling");
    }
    return {thresholds.begin(), thresholds.end()};
}

void check_job(const ContextJob& job, std::size_t features) {
    if (job.height < 1 || job.width < 1 || job.height > kMaxSide || job.width > kMaxSide) {
        throw BadArgument("the latent has " + std::to_string(job.height) + " x " +
                          std::to_string(job.width) + " positions; accepted: 1.." +
                          std::to_string(kMaxSide) + " in each direction");
    }
    if (job.threads < 1 || job.threads > kMaxThreads) {
        throw BadArgument("threads is " + std::to_string(job.threads) + "; accepted: 1.." +
                          std::to_string(kMaxThreads));
    }
    const std::size_t size =
        static_cast<std::size_t>(job.height) * static_cast<std::size_t>(job.width) * features;
    if (job.features.size != size) {
        throw BadArgument("features are " + std::to_string(job.features.size) +
                          " numbers; accepted: " + std::to_string(size) + ", " +
                          std::to_string(features) + " for each position");
    }
    std::int32_t least = 0, most = 0;
    for (const std::int32_t feature : job.features) {
        least = std::min(least, feature);
        most = std::max(most, feature);
    }
    if (least < -kContextLimit || most > kContextLimit) {
        throw BadArgument("a feature is " + std::to_string(least < -kContextLimit ? least : most) +
                          "; accepted: within +-" + std::to_string(kContextLimit));
    }
}

// An index may be any up to the number of thresholds; the only value of a certain row must be a
// symbol.
void check_tables(const Tables& tables, std::size_t used) {
    const View<const Row> rows = tables.rows();
    if (rows.size < used) {
        throw BadArgument("tables have " + std::to_string(rows.size) +
                          " rows; accepted: at least " + std::to_string(used) +
                          ", the number of thresholds and 1");
    }
    for (const Row& row : rows.first(used)) {
        if (row.coded == 0 &&
            (row.first_value < -kMaxContextSymbol || row.first_value > kMaxContextSymbol)) {
            throw BadArgument("a certain row has the value " + std::to_string(row.first_value) +
                              "; accepted: within +-" + std::to_string(kMaxContextSymbol));
        }
    }
}

}  // namespace

ContextModel::ContextModel(Schedule schedule, View<const std::int32_t> taps,
                           const std::vector<LayerArrays>& layers,
                           View<const std::int32_t> thresholds)
    : schedule_(schedule),
      taps_(checked_taps(taps, schedule)),
      radius_(radius_of(taps_)),
      network_(layers, taps_.size()),
      thresholds_(checked_thresholds(thresholds)) {}

void ContextModel::encode(View<const std::int32_t> values, const Tables& tables, Encoder* encoder,
                          const ContextJob& job) const {
    check_job(job, features());
    check_tables(tables, this->tables());
    const std::size_t positions = job.features.size / features();
    if (values.size != positions * channels()) {
        throw BadArgument("values are " + std::to_string(values.size) +
                          " numbers; accepted: " + std::to_string(positions * channels()) + ", " +
                          std::to_string(channels()) + " for each position");
    }
    ContextRun run({schedule_, taps_, radius_, network_, thresholds_}, job);
    run.encode(values, tables, encoder);
}

void ContextModel::decode(Decoder& decoder, const ContextJob& job) const {
    check_job(job, features());
    check_tables(decoder.tables(), tables());
    ContextRun run({schedule_, taps_, radius_, network_, thresholds_}, job);
    run.decode(decoder);
}

}  // namespace streamcodec
