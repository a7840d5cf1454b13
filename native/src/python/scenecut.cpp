// The Python class CutDetector: checks arrays, releases the GIL, nothing more.
#include <mutex>

#include "motion/scenecut.hpp"
#include "python/binding.hpp"

namespace streamcodec {

namespace {

class PyCutDetector {
  public:
    PyCutDetector(std::int64_t threshold, const std::optional<std::string>& instruction_set)
        : detector_(threshold, wanted_instruction_set(instruction_set)) {}

    bool is_cut(const py::object& luma) {
        const auto view = array_view<std::uint8_t>(luma, 2, "luma");
        const auto array = py::reinterpret_borrow<py::array>(luma);
        constexpr py::ssize_t kLargest = 65535;
        if (view.size == 0 || array.shape(0) > kLargest || array.shape(1) > kLargest) {
            throw BadArgument("luma is " + std::string(py::str(array.attr("shape"))) +
                              "; accepted: 1..65535 each");
        }
        const auto height = static_cast<int>(array.shape(0)),
                   width = static_cast<int>(array.shape(1));
        const py::gil_scoped_release release;
        const std::lock_guard<std::mutex> lock(mutex_);
        return detector_.is_cut(view.data, height, width);
    }

    double score() const {
        return static_cast<double>(detector_.last_score()) /
               static_cast<double>(SceneCutDetector::kOne);
    }

  private:
    SceneCutDetector detector_;
    std::mutex mutex_;
};

}  // namespace

void bind_scenecut(py::module_& module) {
    py::class_<PyCutDetector>(module, "CutDetector")
        .def(py::init<std::int64_t, const std::optional<std::string>&>(), py::arg("threshold"),
             py::kw_only(), py::arg("instruction_set") = py::none())
        .def("is_cut", &PyCutDetector::is_cut, py::arg("luma"))
        .def_property_readonly("score", &PyCutDetector::score);
}

}  // namespace streamcodec
