// The Python class ContextModel: checks arrays, releases the GIL, nothing more.
#include <algorithm>
#include <limits>

#include "context/context.hpp"
#include "python/binding.hpp"

namespace streamcodec {

namespace {

using Arrays = std::vector<py::object>;

std::int32_t side_of(const py::object& array, py::ssize_t axis) {
    const py::ssize_t side = py::reinterpret_borrow<py::array>(array).shape(axis);
    return static_cast<std::int32_t>(
        std::min<py::ssize_t>(side, std::numeric_limits<std::int32_t>::max()));
}

std::shared_ptr<ContextModel> make_context(const std::string& schedule, const py::object& taps,
                                           const Arrays& weights, const Arrays& shifts,
                                           const Arrays& biases, const py::object& slopes,
                                           const py::object& thresholds) {
    const auto slope = array_view<std::int32_t>(slopes, 1, "slopes");
    if (weights.size() != slope.size || shifts.size() != slope.size ||
        biases.size() != slope.size) {
        throw BadArgument(
            "weights, shifts, biases and slopes are of " + std::to_string(weights.size()) + ", " +
            std::to_string(shifts.size()) + ", " + std::to_string(biases.size()) + " and " +
            std::to_string(slope.size) + " layers; accepted: one of each for every layer");
    }
    std::vector<LayerArrays> layers;
    for (std::size_t i = 0; i < slope.size; ++i) {
        const std::string of_layer = " of layer " + std::to_string(i);
        layers.push_back({array_view<std::int16_t>(weights[i], 2, "weight" + of_layer),
                          array_view<std::int32_t>(shifts[i], 2, "shift" + of_layer),
                          array_view<std::int32_t>(biases[i], 1, "bias" + of_layer), slope[i]});
        if (side_of(weights[i], 1) != side_of(biases[i], 0) ||
            side_of(shifts[i], 1) != side_of(biases[i], 0)) {
            throw BadArgument("weight and shift" + of_layer + " have " +
                              std::to_string(side_of(weights[i], 1)) + " and " +
                              std::to_string(side_of(shifts[i], 1)) + " columns; accepted: " +
                              std::to_string(side_of(biases[i], 0)) + ", one for each bias");
        }
    }
    const auto taps_view = array_view<std::int32_t>(taps, 2, "taps");
    if (side_of(taps, 1) != 2)
        throw BadArgument("taps do not have 2 columns; accepted: int32 (T, 2)");
    return std::make_shared<ContextModel>(schedule_named(schedule), taps_view, layers,
                                          array_view<std::int32_t>(thresholds, 1, "thresholds"));
}

using Numbers = py::array_t<std::int32_t>;

// The job for features (h, w, F), of which y_hat takes the results.
ContextJob job_for(const ContextModel& model, const py::object& features, std::size_t threads,
                   const std::optional<std::string>& instruction_set, Numbers& y_hat) {
    const auto view = array_view<std::int32_t>(features, 3, "features");
    const std::int32_t height = side_of(features, 0), width = side_of(features, 1);
    if (static_cast<std::size_t>(side_of(features, 2)) != model.features()) {
        throw BadArgument("features have " + std::to_string(side_of(features, 2)) +
                          " channels; accepted: " + std::to_string(model.features()));
    }
    y_hat = Numbers(
        {py::ssize_t{height}, py::ssize_t{width}, static_cast<py::ssize_t>(model.channels())});
    return {height,
            width,
            view,
            threads,
            wanted_instruction_set(instruction_set),
            y_hat.mutable_data()};
}

View<const std::int32_t> values_for(const py::object& values, const Numbers& y_hat) {
    const auto view = array_view<std::int32_t>(values, 3, "values");
    const auto array = py::reinterpret_borrow<py::array>(values);
    if (!std::equal(y_hat.shape(), y_hat.shape() + 3, array.shape())) {
        throw BadArgument("values are " + std::string(py::str(array.attr("shape"))) +
                          "; accepted: " + std::string(py::str(y_hat.attr("shape"))) +
                          " for these features");
    }
    return view;
}

Numbers encode(const ContextModel& model, PyEncoder& encoder, const py::object& values,
               const py::object& features, std::size_t threads,
               const std::optional<std::string>& instruction_set) {
    Numbers y_hat;
    const ContextJob job = job_for(model, features, threads, instruction_set, y_hat);
    const auto values_view = values_for(values, y_hat);
    encoder.use([&](Encoder& e) { model.encode(values_view, e.tables(), &e, job); });
    return y_hat;
}

Numbers decode(const ContextModel& model, PyDecoder& decoder, const py::object& features,
               std::size_t threads, const std::optional<std::string>& instruction_set) {
    Numbers y_hat;
    const ContextJob job = job_for(model, features, threads, instruction_set, y_hat);
    decoder.use([&](Decoder& d) { model.decode(d, job); });
    return y_hat;
}

py::tuple choose(const ContextModel& model, const Tables& tables, const py::object& values,
                 const py::object& features, std::size_t threads,
                 const std::optional<std::string>& instruction_set) {
    Numbers y_hat;
    ContextJob job = job_for(model, features, threads, instruction_set, y_hat);
    const auto values_view = values_for(values, y_hat);
    const std::vector<py::ssize_t> shape(y_hat.shape(), y_hat.shape() + 3);
    Numbers symbols(shape);
    py::array_t<std::uint16_t> indexes(shape);
    job.symbols = symbols.mutable_data();
    job.indexes = indexes.mutable_data();
    {
        const py::gil_scoped_release release;
        model.encode(values_view, tables, nullptr, job);
    }
    return py::make_tuple(y_hat, symbols, indexes);
}

}  // namespace

void bind_context(py::module_& module) {
    const auto threads = py::arg("threads") = 1;
    const auto instruction_set = py::arg("instruction_set") = py::none();
    py::class_<ContextModel, std::shared_ptr<ContextModel>>(module, "ContextModel")
        .def(py::init(&make_context), py::arg("schedule"), py::arg("taps"), py::arg("weights"),
             py::arg("shifts"), py::arg("biases"), py::arg("slopes"), py::arg("thresholds"))
        .def_property_readonly("channels", &ContextModel::channels)
        .def_property_readonly("features", &ContextModel::features)
        .def_property_readonly("tables", &ContextModel::tables)
        .def("encode", &encode, py::arg("encoder"), py::arg("values"), py::arg("features"),
             py::kw_only(), threads, instruction_set)
        .def("decode", &decode, py::arg("decoder"), py::arg("features"), py::kw_only(), threads,
             instruction_set)
        .def("choose", &choose, py::arg("tables"), py::arg("values"), py::arg("features"),
             py::kw_only(), threads, instruction_set);
}

}  // namespace streamcodec
