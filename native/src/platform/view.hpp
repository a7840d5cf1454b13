// A pointer and a length: how the core receives arrays. Owns nothing.
#pragma once

#include <cstddef>

namespace streamcodec {

template <typename T>
struct View {
    T* data = nullptr;
    std::size_t size = 0;

    T* begin() const { return data; }
    T* end() const { return data + size; }
    T& operator[](std::size_t i) const { return data[i]; }
    View from(std::size_t start) const { return {data + start, size - start}; }
    View first(std::size_t count) const { return {data, count}; }
};

}  // namespace streamcodec
