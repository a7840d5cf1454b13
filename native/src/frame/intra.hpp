// The model of I-frames. frame.hpp specifies what it does.
#pragma once

#include "frame/model.hpp"

namespace streamcodec::frame {

struct IntraWork;

class IntraModel : public Model {
  public:
    // linear_channels: 0..95, rising, 1..96 of them. Throws BadArgument.
    IntraModel(const ModelArrays& arrays, View<const std::int32_t> linear_channels);

    // Several threads may code at once. Throws BadArgument for a quality or a size that is not
    // accepted.
    Coded encode(const Planes& planes, std::int32_t quality, const Job& job) const;

    // Throws BadArgument, CorruptStream, TruncatedStream.
    Reference decode(View<const std::uint8_t> payload, const Geometry& size, const Job& job) const;

    const std::vector<std::size_t>& linear_channels() const { return linear_; }

    struct Places {
        std::size_t z, hyper_slot, context, rows, residual, coefficients, synthesis_out;  // slots
        std::size_t analysis_in, analysis_out, hyper_in, z_out;
        std::size_t hyper, indexes[4], synthesis, analysis, hyper_analysis;  // stages
    };

  private:
    using Works = std::shared_ptr<Pool<IntraWork>>;

    engine::Schedule schedule(bool is_encoder) const;
    std::shared_ptr<IntraWork> work_for(const Geometry& size, const Job& job,
                                        bool is_encoder) const;

    const std::vector<std::size_t> linear_;
    const Places places_;
    const Works works_[2];  // of decoders, of encoders
};

}  // namespace streamcodec::frame
