// Memory that begins at a cache line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace streamcodec::engine {

// `size` numbers, zero at first. Memory that nobody touches is never taken from the system.
template <typename T>
class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(std::size_t size) : size_(size) {
        if (size == 0) return;
        all_.reset(std::calloc(size + kLine / sizeof(T), sizeof(T)));
        if (all_ == nullptr) throw std::bad_alloc();
        const auto past = reinterpret_cast<std::uintptr_t>(all_.get()) % kLine;
        data_ = static_cast<T*>(all_.get()) + (past == 0 ? 0 : (kLine - past) / sizeof(T));
    }

    T* data() const { return data_; }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t i) const { return data_[i]; }

  private:
    static constexpr std::size_t kLine = 64;
    struct Free {
        void operator()(void* all) const { std::free(all); }
    };

    std::unique_ptr<void, Free> all_;
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace streamcodec::engine
