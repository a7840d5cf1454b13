// Writes inputs to begin with: seeds FOLDER, which gets a folder for each target.
#include <filesystem>
#include <fstream>

#include "decoded.hpp"

using namespace samples;

namespace {

void write(const std::filesystem::path& folder, int number, std::initializer_list<int> head,
           const Bytes& body) {
    std::filesystem::create_directories(folder);
    std::ofstream file(folder / std::to_string(number), std::ios::binary);
    for (const int byte : head) file.put(static_cast<char>(byte));
    for (const std::uint8_t byte : body) file.put(static_cast<char>(byte));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::filesystem::path out = argv[1];
    std::mt19937 random(3);
    const fuzz::FrameSample of_frame;
    int kind = 0;
    for (const Bytes& payload : of_frame.payloads) {
        for (const int set : {0, 1}) write(out / "frame", 2 * kind + set, {set, kind}, payload);
        ++kind;
    }
    const fuzz::CoderSample of_coder;
    for (int i = 0; i < 4; ++i) {
        const std::size_t count = i % 2 == 0 ? 30 : fuzz::kMostSymbols;
        const Symbols symbols = random_symbols(random, *of_coder.tables, of_coder.indexes, count);
        write(out / "coder", i, {i / 2, static_cast<int>(count / 2), 64 * i},
              encode(of_coder.tables, symbols, InstructionSet::scalar, i % 2 == 0 ? 4 : 32));
    }
    const fuzz::ContextSample of_context;
    for (int i = 0; i < 4; ++i) {
        const std::size_t which = static_cast<std::size_t>(i) % 2;
        Latent latent = of_context.latents[which];
        write(out / "context", i, {i / 2, i % 2},
              encode(of_context.models[which], latent, of_context.tables, InstructionSet::scalar));
    }
    for (const char* target : {"program", "motion", "predict"}) {
        for (int i = 0; i < 8; ++i) {
            Bytes bytes(40 + random() % 400);
            for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
            write(out / target, i, {}, bytes);
        }
    }
    return 0;
}
