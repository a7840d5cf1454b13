// Motion fields of symbols that are chosen freely.
#pragma once

#include "fuzz.hpp"
#include "motion/syntax.hpp"

namespace fuzz {

class ChosenSymbols : public streamcodec::SymbolSource {
  public:
    explicit ChosenSymbols(Choices& choices) : choices_(choices) {}
    std::int32_t get(int row) override {
        const streamcodec::Alphabet alphabet = streamcodec::motion_alphabet(row);
        const std::uint8_t choice = choices_.byte();
        if (choice >= 250) return choices_.number();
        return alphabet.first + (choice < 128 ? choice % alphabet.count : alphabet.count / 2);
    }

  private:
    Choices& choices_;
};

}  // namespace fuzz
