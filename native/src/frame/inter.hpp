// The model of P-frames. frame.hpp specifies what it does.
#pragma once

#include <optional>
#include <string>

#include "frame/model.hpp"
#include "motion/search.hpp"
#include "motion/syntax.hpp"

namespace streamcodec::frame {

struct InterWork;

// How much an encoder tries: fast and medium are those of the motion search; slow codes each frame
// twice, as frame.hpp says, and searches as medium does.
enum class Preset { fast, medium, slow };
Preset preset_named(const std::string& name);  // Throws BadArgument

class InterModel : public Model {
  public:
    // motion_lambda: of each quality, squared differences of luma / 16 per bit. hadamard: channels
    // that are transformed across macroblocks. Throws BadArgument.
    InterModel(const ModelArrays& arrays, View<const std::int32_t> motion_lambda,
               View<const std::int32_t> hadamard = {});

    // Several threads may code at once. hadamard: whether its channels are transformed; if it says
    // nothing, what takes less by an estimate. Throws BadArgument for a quality, a size, a
    // reference or a transform that is not accepted.
    Coded encode(const Planes& planes, std::int32_t quality, const Reference& reference,
                 Preset preset, const Job& job, std::optional<bool> hadamard = {}) const;

    // Throws BadArgument, CorruptStream, TruncatedStream.
    Reference decode(View<const std::uint8_t> payload, const Geometry& size,
                     const Reference& reference, const Job& job) const;

    const std::vector<std::size_t>& hadamard() const { return hadamard_; }

    struct Places {
        std::size_t features_in, context, rows, synthesis_in, synthesis_out, analysis_in,
            analysis_out;  // slots
        std::size_t features, indexes[4], hadamard[4], synthesis,
            analysis;  // stages; hadamard: as indexes, if there are such channels
    };

  private:
    using Works = std::shared_ptr<Pool<InterWork>>;

    std::size_t mixed_stage(const char* name) const;
    engine::Schedule schedule(bool is_encoder) const;
    std::shared_ptr<InterWork> work_for(const Geometry& size, const Reference& reference,
                                        const Job& job, bool is_encoder) const;

    const std::vector<std::int32_t> motion_lambda_;
    const MotionCosts motion_costs_;
    const std::vector<std::size_t> hadamard_;
    const Places places_;
    const Works works_[2];  // of decoders, of encoders
};

}  // namespace streamcodec::frame
