// A small test runner: TEST(name) { CHECK(...); CHECK_THROWS(Type, ...); } in any file that is
// linked with main.cpp.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace check {

struct Test {
    const char* name;
    std::function<void()> run;
};

std::vector<Test>& tests();

struct Register {
    Register(const char* name, std::function<void()> run) {
        tests().push_back({name, std::move(run)});
    }
};

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(const char* file, int line, const char* what) {
    throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

}  // namespace check

#define TEST(name)                                                    \
    static void test_##name();                                        \
    static const check::Register register_##name(#name, test_##name); \
    static void test_##name()

#define CHECK(condition) \
    if (!(condition)) check::fail(__FILE__, __LINE__, #condition)

// `statement` must throw exactly Type (not something derived from it).
#define CHECK_THROWS(Type, statement)                                                      \
    do {                                                                                   \
        bool thrown = false;                                                               \
        try {                                                                              \
            statement;                                                                     \
        } catch (const Type& error) {                                                      \
            thrown = typeid(error) == typeid(Type);                                        \
        }                                                                                  \
        if (!thrown) check::fail(__FILE__, __LINE__, #statement " does not throw " #Type); \
    } while (false)
