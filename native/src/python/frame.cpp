// The models of I-frames and P-frames for Python: checks arrays, releases the GIL, nothing more.
#include "frame/frame.hpp"
#include "python/binding.hpp"

namespace streamcodec {

namespace {

using frame::Coded;
using frame::Geometry;
using frame::InterModel;
using frame::IntraModel;
using frame::Job;
using frame::ModelArrays;
using frame::Reference;

using NetworkPointer = std::shared_ptr<engine::Network>;
using TablesPointer = std::shared_ptr<Tables>;
using Bytes = py::array_t<std::uint8_t>;

ModelArrays arrays_of(const NetworkPointer& network, const TablesPointer& tables,
                      const py::object& step, const py::object& gain, const py::object& rd_lambda,
                      const py::object& log_table, bool adapts, std::size_t sets) {
    return {network,
            tables,
            array_view<std::int32_t>(step, 2, "step"),
            array_view<std::int32_t>(gain, 2, "gain"),
            array_view<std::int32_t>(rd_lambda, 1, "rd_lambda"),
            array_view<std::int16_t>(log_table, 1, "log_table"),
            adapts,
            sets};
}

std::shared_ptr<InterModel> make_inter(const NetworkPointer& network, const TablesPointer& tables,
                                       const py::object& step, const py::object& gain,
                                       const py::object& rd_lambda, const py::object& log_table,
                                       const py::object& motion_lambda, bool adapts,
                                       std::size_t sets, const py::object& hadamard) {
    return std::make_shared<InterModel>(
        arrays_of(network, tables, step, gain, rd_lambda, log_table, adapts, sets),
        array_view<std::int32_t>(motion_lambda, 1, "motion_lambda"),
        hadamard.is_none() ? View<const std::int32_t>{}
                           : array_view<std::int32_t>(hadamard, 1, "hadamard"));
}

std::shared_ptr<IntraModel> make_intra(const NetworkPointer& network, const TablesPointer& tables,
                                       const py::object& step, const py::object& gain,
                                       const py::object& rd_lambda, const py::object& log_table,
                                       const py::object& linear_channels, bool adapts,
                                       std::size_t sets) {
    return std::make_shared<IntraModel>(
        arrays_of(network, tables, step, gain, rd_lambda, log_table, adapts, sets),
        array_view<std::int32_t>(linear_channels, 1, "linear_channels"));
}

std::pair<py::ssize_t, py::ssize_t> shape_of(const py::object& plane) {
    const auto array = py::reinterpret_borrow<py::array>(plane);
    return {array.shape(0), array.shape(1)};
}

frame::Planes planes_of(const py::sequence& planes) {
    if (planes.size() != 3)
        throw BadArgument("planes are " + std::to_string(planes.size()) + "; accepted: (Y, U, V)");
    const py::object y = planes[0], u = planes[1], v = planes[2];
    frame::Planes found{{},
                        array_view<std::uint8_t>(y, 2, "Y").data,
                        array_view<std::uint8_t>(u, 2, "U").data,
                        array_view<std::uint8_t>(v, 2, "V").data};
    const auto [height, width] = shape_of(y);
    if (height > frame::kMaxSide || width > frame::kMaxSide) {
        throw BadArgument("Y is " + std::to_string(height) + "x" + std::to_string(width) +
                          "; accepted: up to " + std::to_string(frame::kMaxSide) +
                          " in each direction");
    }
    found.size = {static_cast<std::int32_t>(height), static_cast<std::int32_t>(width)};
    const std::pair<py::ssize_t, py::ssize_t> half{found.chroma_height(), found.chroma_width()};
    if (shape_of(u) != half || shape_of(v) != half) {
        throw BadArgument("U and V do not fit Y; accepted: " + std::to_string(half.first) + "x" +
                          std::to_string(half.second) + ", half of Y's sides, rounded up");
    }
    return found;
}

const Reference& needed(const Reference* reference) {
    if (reference == nullptr)
        throw BadArgument("the reference is missing; a P-frame needs the frame before it");
    return *reference;
}

void refuse(const Reference* reference) {
    if (reference != nullptr)
        throw BadArgument("there is a reference; accepted for an I-frame: None");
}

py::tuple result_of(const Coded& coded) {
    return py::make_tuple(
        py::bytes(reinterpret_cast<const char*>(coded.payload.data()), coded.payload.size()),
        coded.reference);
}

using SetName = std::optional<std::string>;
using TimesDict = std::optional<py::dict>;
using CountsList = std::optional<py::list>;

// Adds to a dict what the parts of a frame took, if there is one.
class PyTimes {
  public:
    explicit PyTimes(const TimesDict& dict) : dict_(dict) {}
    PyTimes(const PyTimes&) = delete;
    PyTimes& operator=(const PyTimes&) = delete;

    frame::Times* get() { return dict_ ? &times_ : nullptr; }
    void save() const {
        if (!dict_) return;
        for (const auto& [part, seconds] : times_.parts()) {
            const py::str name(part);
            const double before = dict_->contains(name) ? (*dict_)[name].cast<double>() : 0.0;
            (*dict_)[name] = before + seconds;
        }
    }

  private:
    TimesDict dict_;
    frame::Times times_;
};

// Appends what was counted in each step of a frame to a list, if there is one.
class PyCounts {
  public:
    explicit PyCounts(const CountsList& list) : list_(list) {}
    PyCounts(const PyCounts&) = delete;
    PyCounts& operator=(const PyCounts&) = delete;

    std::vector<frame::RowCounts>* get() { return list_ ? &counts_ : nullptr; }
    void save() {
        for (const frame::RowCounts& counts : counts_) {
            py::array_t<std::uint32_t> all({counts.size(), counts.front().size()});
            std::uint32_t* to = all.mutable_data();
            for (const auto& row : counts) to = std::copy(row.begin(), row.end(), to);
            list_->append(all);
        }
    }

  private:
    CountsList list_;
    std::vector<frame::RowCounts> counts_;
};

// "auto": none.
std::optional<bool> choice_of(const py::object& hadamard) {
    if (py::isinstance<py::bool_>(hadamard)) return hadamard.cast<bool>();
    if (py::isinstance<py::str>(hadamard) && hadamard.cast<std::string>() == "auto") return {};
    throw BadArgument("hadamard is " + py::repr(hadamard).cast<std::string>() +
                      "; accepted: True, False, 'auto'");
}

py::tuple encode_inter(const InterModel& model, const py::sequence& planes, std::int32_t quality,
                       const Reference* reference, std::size_t threads, const std::string& preset,
                       const SetName& set, const TimesDict& times, const CountsList& list,
                       const py::object& hadamard) {
    const frame::Planes pixels = planes_of(planes);
    const Reference& before = needed(reference);
    PyTimes spent(times);
    PyCounts counts(list);
    const Job job{threads, wanted_instruction_set(set), spent.get(), counts.get()};
    const frame::Preset wanted = frame::preset_named(preset);
    const std::optional<bool> choice = choice_of(hadamard);
    Coded coded;
    {
        const py::gil_scoped_release release;
        coded = model.encode(pixels, quality, before, wanted, job, choice);
    }
    spent.save();
    counts.save();
    return result_of(coded);
}

py::tuple encode_intra(const IntraModel& model, const py::sequence& planes, std::int32_t quality,
                       const Reference* reference, std::size_t threads, const std::string& preset,
                       const SetName& set, const TimesDict& times, const CountsList& list) {
    const frame::Planes pixels = planes_of(planes);
    refuse(reference);
    PyTimes spent(times);
    PyCounts counts(list);
    const Job job{threads, wanted_instruction_set(set), spent.get(), counts.get()};
    frame::preset_named(preset);
    Coded coded;
    {
        const py::gil_scoped_release release;
        coded = model.encode(pixels, quality, job);
    }
    spent.save();
    counts.save();
    return result_of(coded);
}

Geometry geometry_of(std::pair<std::int32_t, std::int32_t> size) {
    return {size.first, size.second};
}

Reference decode_inter(const InterModel& model, const py::object& payload,
                       std::pair<std::int32_t, std::int32_t> size, const Reference* reference,
                       std::size_t threads, const SetName& set, const TimesDict& times) {
    const Buffer bytes(payload);
    const Reference& before = needed(reference);
    PyTimes spent(times);
    const Job job{threads, wanted_instruction_set(set), spent.get()};
    Reference decoded;
    {
        const py::gil_scoped_release release;
        decoded = model.decode(bytes.view(), geometry_of(size), before, job);
    }
    spent.save();
    return decoded;
}

Reference decode_intra(const IntraModel& model, const py::object& payload,
                       std::pair<std::int32_t, std::int32_t> size, const Reference* reference,
                       std::size_t threads, const SetName& set, const TimesDict& times) {
    const Buffer bytes(payload);
    refuse(reference);
    PyTimes spent(times);
    const Job job{threads, wanted_instruction_set(set), spent.get()};
    Reference decoded;
    {
        const py::gil_scoped_release release;
        decoded = model.decode(bytes.view(), geometry_of(size), job);
    }
    spent.save();
    return decoded;
}

Reference make_reference(const py::sequence& planes,
                         const std::optional<std::pair<std::int32_t, std::int32_t>>& size,
                         const Reference* key, const MotionField* motion,
                         const std::optional<py::object>& magnitudes,
                         const std::optional<py::object>& row_sums) {
    const frame::Planes pixels = planes_of(planes);
    const Geometry wanted = size ? geometry_of(*size) : pixels.size;
    frame::check_size(wanted);
    const auto symbols = magnitudes ? array_view<std::uint8_t>(*magnitudes, 3, "magnitudes")
                                    : View<const std::uint8_t>{};
    const auto sums =
        row_sums ? array_view<std::int32_t>(*row_sums, 4, "row_sums") : View<const std::int32_t>{};
    const py::gil_scoped_release release;
    return frame::make_reference(pixels, wanted, key, motion, symbols, sums);
}

py::tuple planes_of_reference(const Reference& reference) {
    const Geometry size = reference.size;
    const std::int32_t half_height = (size.height + 1) / 2, half_width = (size.width + 1) / 2;
    Bytes y({size.height, size.width}), u({half_height, half_width}), v({half_height, half_width});
    std::uint8_t *const to_y = y.mutable_data(), *const to_u = u.mutable_data(),
                        *const to_v = v.mutable_data();
    {
        const py::gil_scoped_release release;
        reference.copy_planes(to_y, to_u, to_v);
    }
    return py::make_tuple(y, u, v);
}

// (h8, w8, 96), None of an I-frame.
py::object magnitudes_of_reference(const Reference& reference) {
    if (reference.is_key()) return py::none();
    const engine::Size eighth = reference.size.eighth();
    Bytes magnitudes({eighth.height, eighth.width, 96});
    const std::vector<std::uint8_t>& values = reference.magnitudes();
    if (static_cast<std::size_t>(magnitudes.size()) != values.size())
        throw BadArgument("a reference has no symbols");
    std::copy(values.begin(), values.end(), magnitudes.mutable_data());
    return magnitudes;
}

// (2, 96, 4, 8), None of an I-frame.
py::object row_sums_of_reference(const Reference& reference) {
    if (reference.is_key()) return py::none();
    py::array_t<std::int32_t> all({2, 96, 4, 8});
    std::int32_t* to = all.mutable_data();
    for (const std::size_t step : {0u, 1u}) {
        const frame::RowSums& sums = reference.row_sums(step);
        to = std::copy(sums.begin(), sums.end(), to);
    }
    return all;
}

// Row adaptation for decoders that compute the rows elsewhere.
class RowAdaptation {
  public:
    RowAdaptation(TablesPointer tables, bool adapts)
        : tables_(std::move(tables)), costs_(*tables_), row_costs_(costs_, adapts) {}

    py::tuple move(const py::object& rows, const py::object& sums) const {
        const auto from = array_view<std::int16_t>(rows, 4, "rows");
        check_rows(rows);
        const auto view = array_view<std::int32_t>(sums, 3, "sums");
        if (view.size != frame::kRowSums) throw BadArgument("sums must be (96, 4, 8)");
        frame::RowSums before;
        std::copy(view.begin(), view.end(), before.begin());
        const frame::RowShifts shifts(before);
        Bytes given(shape(rows));
        py::array_t<std::uint16_t> moved(shape(rows));
        std::uint8_t* const to_given = given.mutable_data();
        std::uint16_t* const to_moved = moved.mutable_data();
        for (std::size_t at = 0; at < from.size; at += frame::kChannels) {
            kernels_.move_rows(from.data + at, shifts.data(), to_given + at, to_moved + at);
        }
        return py::make_tuple(given, moved);
    }

    py::array_t<std::int32_t> sums(const py::object& rows, const py::object& symbols) const {
        const auto given = array_view<std::uint8_t>(rows, 4, "rows");
        check_rows(rows);
        const auto beyond = [](std::uint8_t row) { return row >= frame::kScaleRows; };
        if (std::any_of(given.begin(), given.end(), beyond)) {
            throw BadArgument("rows must lie within 0..63");
        }
        const auto coded = array_view<std::int32_t>(symbols, 4, "symbols");
        const std::vector<py::ssize_t> sides = shape(rows);
        if (sides != shape(symbols)) throw BadArgument("rows and symbols must have one shape");
        if (sides[1] > frame::kMaxSide / 16 || sides[2] > frame::kMaxSide / 16) {
            throw BadArgument("rows are of a frame that is too large");
        }
        const auto outside = [](std::int32_t s) { return std::abs(s) > frame::kMaxSymbol; };
        if (std::any_of(coded.begin(), coded.end(), outside)) {
            throw BadArgument("symbols must lie within +-2047");
        }
        const Geometry size{static_cast<std::int32_t>(16 * sides[1]),
                            static_cast<std::int32_t>(16 * sides[2])};
        Team team(1);
        const frame::RowSums found = row_costs_.sums(size, static_cast<std::size_t>(sides[0]),
                                                     given.data, coded.data, kernels_, team);
        py::array_t<std::int32_t> all({96, 4, 8});
        std::copy(found.begin(), found.end(), all.mutable_data());
        return all;
    }

  private:
    static std::vector<py::ssize_t> shape(const py::object& array) {
        const auto known = py::reinterpret_borrow<py::array>(array);
        return {known.shape(), known.shape() + known.ndim()};
    }
    static void check_rows(const py::object& rows) {
        if (shape(rows)[3] != frame::kChannels) {
            throw BadArgument("rows must be (grids, h16, w16, 96)");
        }
    }

    const TablesPointer tables_;
    const frame::Costs costs_;
    const frame::RowCosts row_costs_;
    const frame::Kernels& kernels_ = frame::kernels_for(wanted_instruction_set(std::nullopt));
};

// `hadamard`: a further argument of make and of encode, with its default, or none.
template <typename Model, typename Make, typename Encode, typename Decode, typename... Hadamard>
void bind_model(py::module_& module, const char* name, const char* extra, Make make, Encode encode,
                Decode decode, const std::pair<Hadamard, Hadamard>&... hadamard) {
    const auto reference = py::arg("reference").none(true) = py::none();
    const auto threads = py::arg("threads") = 1;
    const auto set = py::arg("instruction_set") = py::none();
    const auto times = py::arg("times") = py::none();
    py::class_<Model, std::shared_ptr<Model>>(module, name)
        .def(py::init(make), py::arg("network").none(false), py::arg("tables").none(false),
             py::kw_only(), py::arg("step"), py::arg("gain"), py::arg("rd_lambda"),
             py::arg("log_table"), py::arg(extra), py::arg("adapts") = true, py::arg("sets") = 1,
             hadamard.first...)
        .def("encode", encode, py::arg("planes"), py::arg("quality"), reference, py::kw_only(),
             threads, py::arg("preset") = "medium", set, times, py::arg("counts") = py::none(),
             hadamard.second...)
        .def("decode", decode, py::arg("payload"), py::arg("size"), reference, py::kw_only(),
             threads, set, times);
}

}  // namespace

void bind_frame(py::module_& module) {
    py::class_<Reference>(module, "Reference")
        .def(py::init(&make_reference), py::arg("planes"), py::arg("size") = py::none(),
             py::kw_only(), py::arg("key").none(true) = py::none(),
             py::arg("motion").none(true) = py::none(), py::arg("magnitudes") = py::none(),
             py::arg("row_sums") = py::none())
        .def_property_readonly(
            "size", [](const Reference& r) { return py::make_tuple(r.size.height, r.size.width); })
        .def_property_readonly("key", &Reference::is_key)
        .def_property_readonly("motion",
                               [](const Reference& r) -> py::object {
                                   return r.is_key() ? py::object(py::none())
                                                     : py::cast(MotionField(r.field()));
                               })
        .def_property_readonly("magnitudes", &magnitudes_of_reference)
        .def_property_readonly("row_sums", &row_sums_of_reference)
        .def("planes", &planes_of_reference)
        .def(
            "between",
            [](const Reference& past, const Reference& future, std::int32_t back,
               std::int32_t ahead, bool spanned_by_future) {
                const py::gil_scoped_release release;
                return frame::between(past, future, back, ahead, spanned_by_future);
            },
            py::arg("future").none(false), py::kw_only(), py::arg("back"), py::arg("ahead"),
            py::arg("spanned_by_future"));
    py::class_<RowAdaptation>(module, "RowAdaptation")
        .def(py::init<TablesPointer, bool>(), py::arg("tables").none(false), py::kw_only(),
             py::arg("adapts"))
        .def("move", &RowAdaptation::move, py::arg("rows"), py::arg("sums"))
        .def("sums", &RowAdaptation::sums, py::arg("rows"), py::arg("symbols"));
    bind_model<IntraModel>(module, "IntraModel", "linear_channels", &make_intra, &encode_intra,
                           &decode_intra);
    bind_model<InterModel>(module, "InterModel", "motion_lambda", &make_inter, &encode_inter,
                           &decode_inter,
                           std::pair<py::arg_v, py::arg_v>{py::arg("hadamard") = py::none(),
                                                           py::arg("hadamard") = "auto"});
}

}  // namespace streamcodec
