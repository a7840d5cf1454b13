// Runs all tests, or those whose name holds the first argument. Exit status 1 if one fails.
#include <cstdio>
#include <exception>

#include "check.hpp"

namespace check {

std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

static bool passes(const Test& test) {
    try {
        test.run();
        return true;
    } catch (const std::exception& error) {
        std::printf("FAILED %s\n  %s\n", test.name, error.what());
        return false;
    }
}

}  // namespace check

int main(int argc, char** argv) {
    const std::string wanted = argc > 1 ? argv[1] : "";
    int run = 0;
    int failed = 0;
    for (const check::Test& test : check::tests()) {
        if (std::string(test.name).find(wanted) == std::string::npos) continue;
        ++run;
        failed += check::passes(test) ? 0 : 1;
    }
    std::printf("%d tests, %d failed\n", run, failed);
    return failed == 0 && run > 0 ? 0 : 1;
}
