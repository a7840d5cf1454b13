#include "platform/team.hpp"

#include <system_error>

namespace streamcodec {

namespace {

// How often to look before going to sleep: some microseconds. A turn takes tens of them, and waking
// up as long; but on a machine whose cores are all busy, who waits for others must leave them the
// core.
constexpr int kLooks = 2000;

template <typename Condition>
bool comes_soon(Condition condition) {
    for (int look = 0; look < kLooks; ++look) {
        if (condition()) return true;
#ifdef STREAMCODEC_X86
        __builtin_ia32_pause();
#endif
    }
    return false;
}

}  // namespace

Team::Team(std::size_t size) {
    threads_.reserve(size - 1);
    try {
        for (std::size_t member = 1; member < size; ++member)
            threads_.emplace_back([this, member] { serve(member); });
    } catch (const std::system_error&) {
    }
}

Team::~Team() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        work_ = nullptr;
        ++turn_;
    }
    started_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Team::run(const std::function<void(std::size_t)>& work) {
    if (threads_.empty()) return work(0);
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        work_ = &work;
        busy_ = threads_.size();
        ++turn_;
    }
    started_.notify_all();
    work(0);
    const auto is_done = [this] { return busy_ == 0; };
    if (comes_soon(is_done)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    ended_.wait(lock, is_done);
}

void Team::serve(std::size_t member) {
    std::uint64_t turn = 0;
    for (;;) {
        turn = next_turn(turn);
        if (work_ == nullptr) return;
        (*work_)(member);
        if (--busy_ == 0) {
            const std::lock_guard<std::mutex> lock(mutex_);
            ended_.notify_one();
        }
    }
}

std::uint64_t Team::next_turn(std::uint64_t last) {
    const auto has_begun = [this, last] { return turn_ != last; };
    if (!comes_soon(has_begun)) {
        std::unique_lock<std::mutex> lock(mutex_);
        started_.wait(lock, has_begun);
    }
    return turn_;
}

}  // namespace streamcodec
