#include "frame/port.hpp"

#include "frame/bands.hpp"

namespace streamcodec::frame {

void DecoderPort::code(const Step& step, std::int32_t* symbols) {
    decoder_.get(step.rows, symbols);
    check_symbols(kernels_, symbols, step.rows.size);
}

void EncoderPort::code(const Step& step, std::int32_t* symbols) {
    const std::size_t rows = size_.rows8() / 2;
    for_rows(team_, step.grids.size() * rows, [&](std::size_t row) {
        const std::size_t grid = row / rows, first = grid * size_.grid() / kChannels;
        for_positions(size_, step.grids[grid], row % rows,
                      [&](std::size_t position, std::size_t y, std::size_t x) {
                          choose_at(step, first + position, y, x, symbols);
                      });
    });
    encoder_.put({symbols, step.rows.size}, step.rows);
}

void EncoderPort::choose_at(const Step& step, std::size_t position, std::size_t y, std::size_t x,
                            std::int32_t* symbols) const {
    const std::size_t at = position * kChannels;
    std::int32_t values[kChannels];
    kernels_.scale_down(latent_.transform_at(y, x), latent_.analysis_at(y, x),
                        model_.gain(quality_), values);
    if (step.means != nullptr) {
        for (std::size_t i = 0; i < kChannels; ++i) values[i] -= 8 * step.means[at + i];
    }
    choose(model_.costs, model_.lambda(quality_), values, step.given_rows + at, symbols + at);
}

}  // namespace streamcodec::frame
