// Motion search, prediction and syntax for Python: checks arrays, releases the GIL, nothing more.
#include <algorithm>
#include <cstring>

#include "motion/field.hpp"
#include "motion/filters.hpp"
#include "motion/predict.hpp"
#include "motion/search.hpp"
#include "motion/syntax.hpp"
#include "platform/team.hpp"
#include "python/binding.hpp"

namespace streamcodec {

namespace {

using Bytes = py::array_t<std::uint8_t>;
using Shorts = py::array_t<std::int16_t>;

int side_of(const py::object& array, py::ssize_t axis) {
    return static_cast<int>(py::reinterpret_borrow<py::array>(array).shape(axis));
}

View<const std::uint8_t> plane_view(const py::object& array, const char* name) {
    const auto view = array_view<std::uint8_t>(array, 2, name);
    constexpr int kLargest = 65535;
    if (view.size == 0 || side_of(array, 0) > kLargest || side_of(array, 1) > kLargest) {
        throw BadArgument(std::string(name) + " is " + std::string(py::str(array.attr("shape"))) +
                          "; accepted: 1..65535 each");
    }
    return view;
}

// `like`: the plane is of a picture of this size, at full or half size.
Plane plane_of(const py::object& array, const char* name, int height, int width) {
    const auto view = plane_view(array, name);
    const int rows = side_of(array, 0), columns = side_of(array, 1);
    if (rows > height || columns > width || rows <= 0) {
        throw BadArgument(std::string(name) + " is " + std::to_string(rows) + "x" +
                          std::to_string(columns) + "; accepted: at most " +
                          std::to_string(height) + "x" + std::to_string(width));
    }
    Plane plane(height, width);
    plane.fill(view.data, rows, columns);
    return plane;
}

int padded(int side) { return (side + kMacroblock - 1) / kMacroblock * kMacroblock; }

Plane luma_of(const py::object& array, const char* name) {
    plane_view(array, name);
    return plane_of(array, name, padded(side_of(array, 0)), padded(side_of(array, 1)));
}

Picture picture_of(const py::sequence& planes, const char* name) {
    if (planes.size() != 3)
        throw BadArgument(std::string(name) + " is not a tuple of three planes (Y, U, V)");
    Picture picture;
    picture.luma = luma_of(planes[0], name);
    const int height = side_of(planes[0], 0), width = side_of(planes[0], 1);
    for (const std::size_t k : {1U, 2U}) {
        const py::object plane = planes[k];
        plane_view(plane, name);
        if (side_of(plane, 0) != (height + 1) / 2 || side_of(plane, 1) != (width + 1) / 2) {
            throw BadArgument(std::string(name) + " has chroma of " +
                              std::string(py::str(plane.attr("shape"))) +
                              "; accepted: half of luma's sides, rounded up");
        }
        (k == 1 ? picture.u : picture.v) =
            plane_of(plane, name, picture.luma.height() / 2, picture.luma.width() / 2);
    }
    return picture;
}

Bytes array_of(const Plane& plane) {
    Bytes array({plane.height(), plane.width()});
    for (int y = 0; y < plane.height(); ++y) {
        std::memcpy(array.mutable_data(y, 0), plane.row(y),
                    static_cast<std::size_t>(plane.width()));
    }
    return array;
}

MotionField make_field(const py::object& modes, const py::object& filters,
                       const py::object& previous, const py::object& key) {
    const auto mode = array_view<std::uint8_t>(modes, 2, "modes");
    const auto filter = array_view<std::uint8_t>(filters, 2, "filters");
    MotionField field(side_of(modes, 0), side_of(modes, 1));
    if (filter.size != mode.size || side_of(filters, 0) != field.rows)
        throw BadArgument("filters are not of the shape of modes");
    std::copy(mode.begin(), mode.end(), field.modes.begin());
    std::copy(filter.begin(), filter.end(), field.filters.begin());
    for (const bool of_key : {false, true}) {
        const py::object& object = of_key ? key : previous;
        const auto view = array_view<std::int16_t>(object, 3, of_key ? "key" : "previous");
        if (side_of(object, 0) != 2 * field.rows || side_of(object, 1) != 2 * field.columns ||
            side_of(object, 2) != 2) {
            throw BadArgument("vectors are " + std::string(py::str(object.attr("shape"))) +
                              "; accepted: (2 rows, 2 columns, 2)");
        }
        for (std::size_t k = 0; k < field.blocks.size(); ++k) {
            (of_key ? field.blocks[k].key : field.blocks[k].previous) = {view[2 * k],
                                                                         view[2 * k + 1]};
        }
    }
    field.check();
    return field;
}

Shorts vectors_of(const MotionField& field, bool of_key) {
    Shorts array({2 * field.rows, 2 * field.columns, 2});
    std::int16_t* to = array.mutable_data();
    for (const Pair& pair : field.blocks) {
        const Vector v = of_key ? pair.key : pair.previous;
        *to++ = v.y;
        *to++ = v.x;
    }
    return array;
}

Bytes grid_of(const MotionField& field, const std::vector<std::uint8_t>& values) {
    Bytes array({field.rows, field.columns});
    std::copy(values.begin(), values.end(), array.mutable_data());
    return array;
}

struct MotionTables {
    std::shared_ptr<Tables> tables;
    int first_row;
    MotionCosts costs;

    MotionTables(std::shared_ptr<Tables> tables_, int first_row_)
        : tables(std::move(tables_)), first_row(first_row_), costs(*tables, first_row) {}
};

std::size_t checked_threads(std::size_t threads) {
    if (threads < 1 || threads > 256)
        throw BadArgument("threads is " + std::to_string(threads) + "; accepted: 1..256");
    return threads;
}

MotionField search(const MotionTables& tables, const py::object& luma, const py::object& reference,
                   const std::optional<py::object>& key, const MotionField* previous, int quality,
                   std::uint32_t lambda_16, const std::string& preset, std::size_t threads,
                   const std::optional<std::string>& set) {
    const Plane current = luma_of(luma, "luma"), from = luma_of(reference, "the reference");
    std::optional<Plane> from_key;
    if (key) from_key = luma_of(*key, "the key frame");
    SearchOptions options;
    options.preset = search_preset_named(preset);
    options.lambda_16 = lambda_16;
    options.set = wanted_instruction_set(set);
    const py::gil_scoped_release release;
    Team team(checked_threads(threads));
    options.team = &team;
    return search_motion(current, from, from_key ? &*from_key : nullptr,
                         {previous, from_key.has_value(), quality}, tables.costs, options);
}

py::tuple predict_planes(const MotionField& field, const py::sequence& reference,
                         const std::optional<py::sequence>& key, std::size_t threads,
                         const std::optional<std::string>& set) {
    const Picture from = picture_of(reference, "the reference");
    std::optional<Picture> from_key;
    if (key) from_key = picture_of(*key, "the key frame");
    Picture out(from.luma.height(), from.luma.width());
    const InstructionSet wanted = wanted_instruction_set(set);
    {
        const py::gil_scoped_release release;
        Team team(checked_threads(threads));
        predict(field, from, from_key ? &*from_key : nullptr, out, wanted, &team);
    }
    return py::make_tuple(array_of(out.luma), array_of(out.u), array_of(out.v));
}

MotionField derived(MotionField field, const MotionField* previous, bool has_key, int quality) {
    CountingSink nothing;
    write_motion(field, {previous, has_key, quality}, nothing);
    return field;
}

double bits(const MotionTables& tables, MotionField field, const MotionField* previous,
            bool has_key, int quality) {
    CostSink sink(tables.costs);
    write_motion(field, {previous, has_key, quality}, sink);
    return static_cast<double>(sink.cost()) / 256;
}

py::array_t<std::int64_t> counts(MotionField field, const MotionField* previous, bool has_key,
                                 int quality) {
    CountingSink sink;
    write_motion(field, {previous, has_key, quality}, sink);
    py::array_t<std::int64_t> array({kMotionRows, CountingSink::kPlaces});
    std::copy(sink.counts().begin(), sink.counts().end(), array.mutable_data());
    return array;
}

void write(const MotionTables& tables, PyEncoder& encoder, MotionField field,
           const MotionField* previous, bool has_key, int quality) {
    encoder.use([&](Encoder& e) {
        EncoderSink sink(e, tables.first_row);
        write_motion(field, {previous, has_key, quality}, sink);
        sink.flush();
    });
}

MotionField read(const MotionTables& tables, PyDecoder& decoder, int rows, int columns,
                 const MotionField* previous, bool has_key, int quality) {
    MotionField field;
    decoder.use([&](Decoder& d) {
        DecoderSource source(d, tables.first_row);
        field = read_motion(rows, columns, {previous, has_key, quality}, source);
    });
    return field;
}

py::tuple filters() {
    py::array_t<std::int8_t> luma({kFilters, 4, 8}), chroma({kFilters, 8, 4});
    std::memcpy(luma.mutable_data(), kLumaTaps, sizeof kLumaTaps);
    std::memcpy(chroma.mutable_data(), kChromaTaps, sizeof kChromaTaps);
    return py::make_tuple(luma, chroma);
}

py::array_t<std::int32_t> alphabets() {
    py::array_t<std::int32_t> array({kMotionRows, 2});
    for (int row = 0; row < kMotionRows; ++row) {
        const Alphabet alphabet = motion_alphabet(row);
        array.mutable_at(row, 0) = alphabet.first;
        array.mutable_at(row, 1) = alphabet.count;
    }
    return array;
}

}  // namespace

void bind_motion(py::module_& module) {
    const auto threads = py::arg("threads") = 1;
    const auto set = py::arg("instruction_set") = py::none();
    const auto previous = py::arg("previous").none(true) = py::none();
    const auto has_key = py::arg("has_key") = false;
    const auto quality = py::arg("quality") = 32;

    py::class_<MotionField>(module, "MotionField")
        .def(py::init(&make_field), py::arg("modes"), py::arg("filters"), py::arg("previous"),
             py::arg("key"))
        .def_property_readonly("modes", [](const MotionField& f) { return grid_of(f, f.modes); })
        .def_property_readonly("filters",
                               [](const MotionField& f) { return grid_of(f, f.filters); })
        .def_property_readonly("previous",
                               [](const MotionField& f) { return vectors_of(f, false); })
        .def_property_readonly("key", [](const MotionField& f) { return vectors_of(f, true); })
        .def("derived", &derived, py::kw_only(), previous, has_key, quality)
        .def("counts", &counts, py::kw_only(), previous, has_key, quality);

    py::class_<MotionTables>(module, "MotionTables")
        .def(py::init<std::shared_ptr<Tables>, int>(), py::arg("tables").none(false),
             py::arg("first_row") = 0)
        .def("bits", &bits, py::arg("field"), py::kw_only(), previous, has_key, quality)
        .def("write", &write, py::arg("encoder"), py::arg("field"), py::kw_only(), previous,
             has_key, quality)
        .def("read", &read, py::arg("decoder"), py::arg("rows"), py::arg("columns"), py::kw_only(),
             previous, has_key, quality)
        .def("search", &search, py::arg("luma"), py::arg("reference"), py::arg("key") = py::none(),
             previous, py::kw_only(), quality, py::arg("lambda_16"), py::arg("preset") = "medium",
             threads, set);

    module.def("predict_motion", &predict_planes, py::arg("field"), py::arg("reference"),
               py::arg("key") = py::none(), py::kw_only(), threads, set);
    module.def("motion_alphabets", &alphabets);
    module.def("motion_filters", &filters);
}

}  // namespace streamcodec
