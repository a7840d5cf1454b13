// Objects that are expensive to make, used again: fresh memory costs more time in page faults than
// it takes to fill.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace streamcodec {

// Any thread may take; the object comes back when its last pointer goes. It is as its last user
// left it.
template <typename T>
class Pool : public std::enable_shared_from_this<Pool<T>> {
  public:
    template <typename Make>
    std::shared_ptr<T> take(Make make) {
        std::unique_ptr<T> object = pop();
        if (object == nullptr) object = make();
        auto give_back = [pool = this->shared_from_this()](T* spare) {
            pool->put(std::unique_ptr<T>(spare));
        };
        T* const raw = object.get();
        std::shared_ptr<T> shared(raw, std::move(give_back));
        static_cast<void>(object.release());
        return shared;
    }

  private:
    static constexpr std::size_t kSpares = 8;

    std::unique_ptr<T> pop() {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (spares_.empty()) return nullptr;
        std::unique_ptr<T> object = std::move(spares_.back());
        spares_.pop_back();
        return object;
    }

    void put(std::unique_ptr<T> object) noexcept {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (spares_.size() < kSpares) spares_.push_back(std::move(object));
    }

    std::mutex mutex_;
    std::vector<std::unique_ptr<T>> spares_;
};

}  // namespace streamcodec
