// The Python module streamcodec._native: checks arrays, releases the GIL, translates errors,
// nothing more.
#include "python/binding.hpp"

#include "platform/cpu.hpp"
#include "platform/crc32c.hpp"

using namespace streamcodec;

namespace {

std::shared_ptr<Tables> make_tables(const py::object& quantized_cdf, const py::object& cdf_length,
                                    const py::object& offset) {
    const auto cdf = array_view<std::int32_t>(quantized_cdf, 2, "quantized_cdf");
    const auto row_length =
        static_cast<std::size_t>(py::reinterpret_borrow<py::array>(quantized_cdf).shape(1));
    return std::make_shared<Tables>(cdf, row_length,
                                    array_view<std::int32_t>(cdf_length, 1, "cdf_length"),
                                    array_view<std::int32_t>(offset, 1, "offset"));
}

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
    module.doc() =
        "The entropy coder, the context model, integer networks and the checksum of streamcodec, "
        "in C++. Signatures "
        "and meaning: "
        "_native.pyi.";
    py::register_local_exception_translator(&translate);
    module.attr("PROBABILITY_BITS") = static_cast<int>(kProbabilityBits);

    py::class_<Tables, std::shared_ptr<Tables>>(module, "Tables")
        .def(py::init(&make_tables), py::arg("quantized_cdf"), py::arg("cdf_length"),
             py::arg("offset"))
        .def_property_readonly("rows", [](const Tables& tables) { return tables.rows().size; });

    py::class_<PyEncoder>(module, "SymbolEncoder")
        .def(py::init<std::shared_ptr<Tables>, std::optional<std::size_t>,
                      const std::optional<std::string>&>(),
             py::arg("tables").none(false), py::kw_only(), py::arg("lanes") = py::none(),
             py::arg("instruction_set") = py::none())
        .def("put", &PyEncoder::put, py::arg("symbols"), py::arg("indexes"))
        .def("finish", &PyEncoder::finish);

    py::class_<PyDecoder>(module, "SymbolDecoder")
        .def(py::init<std::shared_ptr<Tables>, const py::object&,
                      const std::optional<std::string>&>(),
             py::arg("tables").none(false), py::arg("data"), py::kw_only(),
             py::arg("instruction_set") = py::none())
        .def("get", &PyDecoder::get, py::arg("indexes"))
        .def("finish", &PyDecoder::finish);

    bind_context(module);
    bind_motion(module);
    bind_frame(module);
    bind_engine(module);
    bind_scenecut(module);

    module.def("crc32c", &crc32c_of, py::arg("data"), py::arg("value") = 0);
    module.def("instruction_set", [] { return name_of(default_instruction_set()); });
    module.def("instruction_sets", &instruction_set_names);
}
