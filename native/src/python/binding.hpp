// What the parts of the Python module share: arrays as views, and the coders as Python sees them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "coder/decoder.hpp"
#include "coder/encoder.hpp"
#include "coder/tables.hpp"
#include "platform/cpu.hpp"
#include "platform/error.hpp"
#include "platform/view.hpp"

namespace streamcodec {

namespace py = pybind11;

// The elements of a numpy array of type T with `dimensions` axes, or BadArgument that calls it
// `name`.
template <typename T>
View<const T> array_view(const py::object& object, py::ssize_t dimensions,
                         const std::string& name) {
    const std::string accepted = "; accepted: a C-contiguous numpy array of " +
                                 std::string(py::str(py::dtype::of<T>())) + " with " +
                                 std::to_string(dimensions) + (dimensions == 1 ? " axis" : " axes");
    if (!py::isinstance<py::array>(object))
        throw BadArgument(name + " is a " +
                          std::string(py::str(py::type::of(object).attr("__name__"))) + accepted);
    const auto array = py::reinterpret_borrow<py::array>(object);
    constexpr int kFlags = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    if (!py::isinstance<py::array_t<T>>(array) || array.ndim() != dimensions ||
        (array.flags() & kFlags) != kFlags) {
        throw BadArgument(name + " is " + std::string(py::str(array.dtype())) + " with " +
                          std::to_string(array.ndim()) + " axes, " +
                          ((array.flags() & kFlags) == kFlags ? "contiguous" : "not contiguous") +
                          accepted);
    }
    return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
}

// Holds the bytes of any contiguous bytes-like object, unchanged in place and size, for as long as
// it lives.
class Buffer {
  public:
    explicit Buffer(const py::object& object) {
        if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_SIMPLE) != 0) {
            PyErr_Clear();
            throw BadArgument(
                "data is a " + std::string(py::str(py::type::of(object).attr("__name__"))) +
                "; accepted: bytes, bytearray, memoryview or another contiguous buffer");
        }
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { PyBuffer_Release(&buffer_); }

    View<const std::uint8_t> view() const {
        return {static_cast<const std::uint8_t*>(buffer_.buf),
                static_cast<std::size_t>(buffer_.len)};
    }

  private:
    Py_buffer buffer_{};
};

inline InstructionSet wanted_instruction_set(const std::optional<std::string>& name) {
    return name ? instruction_set_named(*name) : default_instruction_set();
}

// One thread at a time codes with one object; others wait, without the GIL.
class PyEncoder {
  public:
    PyEncoder(std::shared_ptr<Tables> tables, std::optional<std::size_t> lanes,
              const std::optional<std::string>& instruction_set)
        : encoder_(std::move(tables), wanted_instruction_set(instruction_set), lanes.value_or(0)) {}

    void put(const py::object& symbols, const py::object& indexes) {
        const auto symbols_view = array_view<std::int32_t>(symbols, 1, "symbols");
        const auto indexes_view = array_view<std::uint16_t>(indexes, 1, "indexes");
        use([&](Encoder& encoder) { encoder.put(symbols_view, indexes_view); });
    }

    py::bytes finish() {
        std::vector<std::uint8_t> stream;
        use([&](Encoder& encoder) { stream = encoder.finish(); });
        return py::bytes(reinterpret_cast<const char*>(stream.data()), stream.size());
    }

    // Calls work(Encoder&) without the GIL.
    template <typename Work>
    void use(Work work) {
        const py::gil_scoped_release release;
        const std::lock_guard<std::mutex> lock(mutex_);
        work(encoder_);
    }

  private:
    Encoder encoder_;
    std::mutex mutex_;
};

class PyDecoder {
  public:
    PyDecoder(std::shared_ptr<Tables> tables, const py::object& data,
              const std::optional<std::string>& instruction_set)
        : data_(data),
          decoder_(std::move(tables), data_.view(), wanted_instruction_set(instruction_set)) {}

    py::array_t<std::int32_t> get(const py::object& indexes) {
        const auto indexes_view = array_view<std::uint16_t>(indexes, 1, "indexes");
        py::array_t<std::int32_t> symbols(static_cast<py::ssize_t>(indexes_view.size));
        std::int32_t* const data = symbols.mutable_data();
        use([&](Decoder& decoder) { decoder.get(indexes_view, data); });
        return symbols;
    }

    void finish() {
        use([](Decoder& decoder) { decoder.finish(); });
    }

    // Calls work(Decoder&) without the GIL.
    template <typename Work>
    void use(Work work) {
        const py::gil_scoped_release release;
        const std::lock_guard<std::mutex> lock(mutex_);
        work(decoder_);
    }

  private:
    Buffer data_;
    Decoder decoder_;
    std::mutex mutex_;
};

// Adds the class ContextModel to the module.
void bind_context(py::module_& module);

// Adds MotionField, MotionTables and their functions.
void bind_motion(py::module_& module);

// Adds Reference, IntraModel and InterModel.
void bind_frame(py::module_& module);
// Adds the classes Network and Workspace to the module.
void bind_engine(py::module_& module);
// Adds CutDetector.
void bind_scenecut(py::module_& module);

}  // namespace streamcodec
