// Writes inputs to begin with: seeds FOLDER, which gets a folder for each target.
#include <filesystem>
#include <fstream>

#include "context_samples.hpp"
#include "frame_samples.hpp"

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
    const Frames frames = read_frames(STREAMCODEC_TEST_DATA "/frames.bin");
    const Gop& gop = frames.gops[0];
    for (int i = 0; i < 3; ++i)
        write(out / "frame", i, {i}, gop.frames[static_cast<std::size_t>(i)].payload);

    // As fuzz_coder.cpp and fuzz_context.cpp make them.
    std::mt19937 of_coder(1);
    const auto tables = random_tables(of_coder, 12).tables();
    for (int i = 0; i < 4; ++i) {
        Symbols symbols = random_symbols(random, *tables, 110);
        for (std::uint16_t& index : symbols.indexes)
            index = static_cast<std::uint16_t>(of_coder() % 12);
        for (std::size_t k = 0; k < symbols.symbols.size(); ++k) {
            const Row& row = tables->rows()[symbols.indexes[k]];
            if (row.coded == 0) symbols.symbols[k] = row.first_value;
        }
        write(out / "coder", i, {10, 64 * i},
              encode(tables, symbols, InstructionSet::scalar, i % 2 == 0 ? 4 : 32));
        of_coder.seed(1);
        random_tables(of_coder, 12);
    }
    std::mt19937 of_context(2);
    const auto context_tables = random_tables(of_context, 12).tables();
    for (int i = 0; i < 2; ++i) {
        const Schedule schedule = i == 0 ? Schedule::raster : Schedule::checkerboard;
        const ContextModel model = random_context(of_context, schedule, 12).model();
        Latent latent(of_context, model, 5, 6);
        write(out / "context", i, {i},
              encode(model, latent, context_tables, InstructionSet::scalar));
    }
    for (const char* target : {"program", "motion"}) {
        for (int i = 0; i < 8; ++i) {
            Bytes bytes(40 + random() % 400);
            for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
            write(out / target, i, {}, bytes);
        }
    }
    return 0;
}
