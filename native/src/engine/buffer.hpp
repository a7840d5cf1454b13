// Memory that begins at a cache line.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace streamcodec::engine {

// `size` elements, zero at first, which is all that T may need: numbers.
template <typename T>
class Buffer {
  public:
    Buffer() : Buffer(0) {}
    explicit Buffer(std::size_t size)
        : data_(size == 0 ? nullptr : static_cast<T*>(::operator new(size * sizeof(T), kLine))),
          size_(size) {
        for (std::size_t i = 0; i < size; ++i) data_.get()[i] = T{};
    }

    T* data() const { return data_.get(); }
    std::size_t size() const { return size_; }
    T& operator[](std::size_t i) const { return data_.get()[i]; }

  private:
    static constexpr std::align_val_t kLine{64};
    struct Free {
        void operator()(T* data) const { ::operator delete(data, kLine); }
    };

    std::unique_ptr<T, Free> data_;
    std::size_t size_;
};

}  // namespace streamcodec::engine
