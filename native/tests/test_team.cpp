// Threads that work together.
#include "check.hpp"
#include "platform/team.hpp"

#include <chrono>

using namespace streamcodec;

TEST(every_member_of_a_team_works_in_every_turn) {
    for (const std::size_t size : {1, 2, 3, 8}) {
        Team team(size);
        CHECK(team.size() == size);
        std::vector<int> turns(size);
        for (int turn = 1; turn <= 300; ++turn) {
            team.run([&](std::size_t member) { ++turns[member]; });
            for (const int count : turns) CHECK(count == turn);
        }
    }
}

TEST(a_team_that_slept_works_again) {
    Team team(3);
    std::atomic<int> count{0};
    for (int turn = 0; turn < 5; ++turn) {
        std::this_thread::sleep_for(std::chrono::milliseconds(3));
        team.run([&](std::size_t member) {
            if (member == 1) std::this_thread::sleep_for(std::chrono::milliseconds(3));
            ++count;
        });
        CHECK(count == 3 * (turn + 1));
    }
}
