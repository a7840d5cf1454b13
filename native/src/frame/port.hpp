// Where the symbols of the latent come from: a stream, or the encoder's choice, which it puts into
// one. What stands on either side of it is the same for both. A port serves one frame, its steps in
// their order.
#pragma once

#include <cstdint>
#include <vector>

#include "coder/decoder.hpp"
#include "coder/encoder.hpp"
#include "engine/workspace.hpp"
#include "frame/model.hpp"

namespace streamcodec::frame {

// What is coded at once: the symbols of one or two grids, in the order of the stream.
struct Step {
    std::vector<Parity> grids;
    View<std::uint16_t> rows;             // of each symbol, in set 0; a port moves them to a set
    const std::uint8_t* given_rows;       // before they were moved: by them an encoder chooses
    const std::int16_t* means = nullptr;  // of each symbol, in 1/32 step; none: 0
};

class SymbolPort {
  public:
    virtual ~SymbolPort() = default;
    // Fills symbols, one for each of step.rows, all within +-kMaxSymbol.
    virtual void code(const Step& step, std::int32_t* symbols) = 0;
};

class DecoderPort : public SymbolPort {
  public:
    // sets: of the frame.
    DecoderPort(Decoder& decoder, const Model& model, const Kernels& kernels, std::uint8_t sets)
        : decoder_(decoder), model_(model), kernels_(kernels), sets_(sets) {}
    void code(const Step& step, std::int32_t* symbols) override;

  private:
    Decoder& decoder_;
    const Model& model_;
    const Kernels& kernels_;
    const std::uint8_t sets_;
    std::size_t step_ = 0;
};

// What the encoder wants to code: the sum of two maps, both (h8, w8, 96) in 1/8 pixel. No analysis:
// it is 0.
struct Latent {
    const std::int16_t* transform;
    const engine::Map* analysis;
    std::size_t columns;

    const std::int16_t* transform_at(std::size_t y, std::size_t x) const {
        return transform + (y * columns + x) * kChannels;
    }
    const std::int16_t* analysis_at(std::size_t y, std::size_t x) const {
        static constexpr std::int16_t kZeros[kChannels] = {};
        if (analysis == nullptr) return kZeros;
        return analysis->at(static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
    }
};

class EncoderPort : public SymbolPort {
  public:
    // encoder: null for a draft, whose symbols are chosen but not coded.
    EncoderPort(Encoder* encoder, const Model& model, const Kernels& kernels, const Geometry& size,
                std::int32_t quality, const Latent& latent, Team& team,
                std::vector<RowCounts>* counts)
        : encoder_(encoder),
          model_(model),
          kernels_(kernels),
          size_(size),
          quality_(quality),
          latent_(latent),
          team_(team),
          counts_(counts) {}
    void code(const Step& step, std::int32_t* symbols) override;
    std::uint8_t sets() const { return sets_; }  // of the steps so far

  private:
    void choose_at(const Step& step, std::size_t position, std::size_t y, std::size_t x,
                   std::int32_t* symbols) const;

    Encoder* const encoder_;
    const Model& model_;
    const Kernels& kernels_;
    const Geometry size_;
    const std::int32_t quality_;
    const Latent latent_;
    Team& team_;
    std::vector<RowCounts>* const counts_;  // if not null, gets those of each step
    std::uint8_t sets_ = 0;
    std::size_t step_ = 0;
};

}  // namespace streamcodec::frame
