#include "frame/port.hpp"

#include "frame/bands.hpp"

namespace streamcodec::frame {

namespace {

void move_to(std::uint16_t first_row, View<std::uint16_t> rows) {
    if (first_row == 0) return;
    for (std::uint16_t& row : rows) row = static_cast<std::uint16_t>(row + first_row);
}

View<const std::uint16_t> given(View<std::uint16_t> rows) { return {rows.data, rows.size}; }

}  // namespace

void DecoderPort::code(const Step& step, std::int32_t* symbols) {
    move_to(model_.first_row_of(set_of(sets_, step_++)), step.rows);
    decoder_.get(given(step.rows), symbols);
    check_symbols(kernels_, symbols, step.rows.size);
}

void EncoderPort::code(const Step& step, std::int32_t* symbols) {
    const std::size_t rows = size_.rows8() / 2;
    SetCosts costs(model_.costs, encoder_ == nullptr ? 0 : team_.size(), counts_ != nullptr);
    for_rows(team_, step.grids.size() * rows, [&](std::size_t row, std::size_t member) {
        const std::size_t grid = row / rows, first = grid * size_.grid() / kChannels;
        for_positions(size_, step.grids[grid], row % rows,
                      [&](std::size_t position, std::size_t y, std::size_t x) {
                          choose_at(step, first + position, y, x, symbols);
                          const std::size_t at = (first + position) * kChannels;
                          costs.add(member, &step.rows[at], symbols + at);
                      });
    });
    if (encoder_ == nullptr) return;
    if (counts_ != nullptr) counts_->push_back(costs.counts());
    const std::size_t set = costs.cheapest();
    sets_ = static_cast<std::uint8_t>(sets_ | set << (kSetBits * step_++));
    move_to(model_.first_row_of(set), step.rows);
    encoder_->put({symbols, step.rows.size}, given(step.rows));
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
    choose(model_.costs.front(), model_.lambda(quality_), values, step.given_rows + at,
           symbols + at);
}

}  // namespace streamcodec::frame
