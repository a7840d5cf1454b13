// A few threads that work together, again and again, on parts of the same thing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace streamcodec {

class Team {
  public:
    // Of `size` members, one of which is the thread that calls run(). Fewer if the system gives no
    // more threads.
    explicit Team(std::size_t size);
    Team(const Team&) = delete;
    Team& operator=(const Team&) = delete;
    ~Team();

    std::size_t size() const { return threads_.size() + 1; }

    // Calls work(0) here and work(1), ... in the other threads, and returns when all are done.
    // `work` must not throw.
    void run(const std::function<void(std::size_t)>& work);

  private:
    void serve(std::size_t member);
    std::uint64_t next_turn(std::uint64_t last);

    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable started_, ended_;
    const std::function<void(std::size_t)>* work_ = nullptr;  // none: the team is dissolved
    std::atomic<std::uint64_t> turn_{0};
    std::atomic<std::size_t> busy_{0};
};

}  // namespace streamcodec
