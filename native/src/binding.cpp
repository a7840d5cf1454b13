// The Python module streamcodec._native: checks arrays, releases the GIL, translates errors, nothing more.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cpu.hpp"
#include "crc32c.hpp"
#include "decoder.hpp"
#include "encoder.hpp"
#include "error.hpp"
#include "tables.hpp"

namespace py = pybind11;
using namespace streamcodec;

namespace {

// The elements of a numpy array of type T with `dimensions` axes, or BadArgument that calls it `name`.
template <typename T>
View<const T> array_view(const py::object& object, py::ssize_t dimensions, const std::string& name) {
    const std::string accepted = "; accepted: a C-contiguous numpy array of " +
                                 std::string(py::str(py::dtype::of<T>())) + " with " + std::to_string(dimensions) +
                                 (dimensions == 1 ? " axis" : " axes");
    if (!py::isinstance<py::array>(object))
        throw BadArgument(name + " is a " + std::string(py::str(py::type::of(object).attr("__name__"))) + accepted);
    const auto array = py::reinterpret_borrow<py::array>(object);
    constexpr int kFlags = py::array::c_style | py::detail::npy_api::NPY_ARRAY_ALIGNED_;
    if (!py::isinstance<py::array_t<T>>(array) || array.ndim() != dimensions || (array.flags() & kFlags) != kFlags) {
        throw BadArgument(name + " is " + std::string(py::str(array.dtype())) + " with " +
                          std::to_string(array.ndim()) + " axes, " +
                          ((array.flags() & kFlags) == kFlags ? "contiguous" : "not contiguous") + accepted);
    }
    return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
}

// Holds the bytes of any contiguous bytes-like object, unchanged in place and size, for as long as it lives.
class Buffer {
  public:
    explicit Buffer(const py::object& object) {
        if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_SIMPLE) != 0) {
            PyErr_Clear();
            throw BadArgument("data is a " + std::string(py::str(py::type::of(object).attr("__name__"))) +
                              "; accepted: bytes, bytearray, memoryview or another contiguous buffer");
        }
    }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { PyBuffer_Release(&buffer_); }

    View<const std::uint8_t> view() const {
        return {static_cast<const std::uint8_t*>(buffer_.buf), static_cast<std::size_t>(buffer_.len)};
    }

  private:
    Py_buffer buffer_{};
};

InstructionSet wanted_instruction_set(const std::optional<std::string>& name) {
    return name ? instruction_set_named(*name) : default_instruction_set();
}

std::shared_ptr<Tables> make_tables(const py::object& quantized_cdf, const py::object& cdf_length,
                                    const py::object& offset) {
    const auto cdf = array_view<std::int32_t>(quantized_cdf, 2, "quantized_cdf");
    const auto row_length = static_cast<std::size_t>(py::reinterpret_borrow<py::array>(quantized_cdf).shape(1));
    return std::make_shared<Tables>(cdf, row_length, array_view<std::int32_t>(cdf_length, 1, "cdf_length"),
                                    array_view<std::int32_t>(offset, 1, "offset"));
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
        const py::gil_scoped_release release;
        const std::lock_guard<std::mutex> lock(mutex_);
        encoder_.put(symbols_view, indexes_view);
    }

    py::bytes finish() {
        std::vector<std::uint8_t> stream;
        {
            const py::gil_scoped_release release;
            const std::lock_guard<std::mutex> lock(mutex_);
            stream = encoder_.finish();
        }
        return py::bytes(reinterpret_cast<const char*>(stream.data()), stream.size());
    }

  private:
    Encoder encoder_;
    std::mutex mutex_;
};

class PyDecoder {
  public:
    PyDecoder(std::shared_ptr<Tables> tables, const py::object& data, const std::optional<std::string>& instruction_set)
        : data_(data), decoder_(std::move(tables), data_.view(), wanted_instruction_set(instruction_set)) {}

    py::array_t<std::int32_t> get(const py::object& indexes) {
        const auto indexes_view = array_view<std::uint16_t>(indexes, 1, "indexes");
        py::array_t<std::int32_t> symbols(static_cast<py::ssize_t>(indexes_view.size));
        std::int32_t* const data = symbols.mutable_data();
        {
            const py::gil_scoped_release release;
            const std::lock_guard<std::mutex> lock(mutex_);
            decoder_.get(indexes_view, data);
        }
        return symbols;
    }

    void finish() {
        const py::gil_scoped_release release;
        const std::lock_guard<std::mutex> lock(mutex_);
        decoder_.finish();
    }

  private:
    Buffer data_;
    Decoder decoder_;
    std::mutex mutex_;
};

std::uint32_t crc32c_of(const py::object& data, std::uint32_t value) {
    const Buffer buffer(data);
    const py::gil_scoped_release release;
    return crc32c(buffer.view(), value);
}

py::tuple instruction_set_names() {
    py::list names;
    for (const InstructionSet set : available_instruction_sets()) names.append(name_of(set));
    return py::tuple(names);
}

void set_python_error(const char* type, const char* message) {
    py::set_error(py::module_::import("streamcodec.errors").attr(type), message);
}

void translate(std::exception_ptr thrown) {
    try {
        if (thrown) std::rethrow_exception(thrown);
    } catch (const TruncatedStream& error) {
        set_python_error("TruncatedStreamError", error.what());
    } catch (const CorruptStream& error) {
        set_python_error("CorruptStreamError", error.what());
    } catch (const BadArgument& error) {
        set_python_error("UsageError", error.what());
    }
}

}  // namespace

PYBIND11_MODULE(_native, module) {
    module.doc() = "The entropy coder and the checksum of streamcodec, in C++. Signatures and meaning: _native.pyi.";
    py::register_local_exception_translator(&translate);
    module.attr("PROBABILITY_BITS") = static_cast<int>(kProbabilityBits);

    py::class_<Tables, std::shared_ptr<Tables>>(module, "Tables")
        .def(py::init(&make_tables), py::arg("quantized_cdf"), py::arg("cdf_length"), py::arg("offset"))
        .def_property_readonly("rows", [](const Tables& tables) { return tables.rows().size; });

    py::class_<PyEncoder>(module, "Encoder")
        .def(py::init<std::shared_ptr<Tables>, std::optional<std::size_t>, const std::optional<std::string>&>(),
             py::arg("tables").none(false), py::kw_only(), py::arg("lanes") = py::none(),
             py::arg("instruction_set") = py::none())
        .def("put", &PyEncoder::put, py::arg("symbols"), py::arg("indexes"))
        .def("finish", &PyEncoder::finish);

    py::class_<PyDecoder>(module, "Decoder")
        .def(py::init<std::shared_ptr<Tables>, const py::object&, const std::optional<std::string>&>(),
             py::arg("tables").none(false), py::arg("data"), py::kw_only(), py::arg("instruction_set") = py::none())
        .def("get", &PyDecoder::get, py::arg("indexes"))
        .def("finish", &PyDecoder::finish);

    module.def("crc32c", &crc32c_of, py::arg("data"), py::arg("value") = 0);
    module.def("instruction_set", [] { return name_of(default_instruction_set()); });
    module.def("instruction_sets", &instruction_set_names);
}
