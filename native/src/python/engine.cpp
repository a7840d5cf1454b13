// The Python classes Network and Workspace: check arrays, release the GIL, nothing more.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "engine/kernels/select.hpp"
#include "engine/network.hpp"
#include "engine/workspace.hpp"
#include "python/binding.hpp"

namespace streamcodec {

namespace {

using engine::Channels;
using engine::Map;
using engine::Network;
using engine::Size;
using Names = std::vector<std::string>;
using Sizes = std::map<std::string, std::pair<std::int32_t, std::int32_t>>;

template <typename T>
std::vector<T> copy_of(const py::handle& object, py::ssize_t axes, const char* name) {
    const auto view = array_view<T>(py::reinterpret_borrow<py::object>(object), axes, name);
    return {view.begin(), view.end()};
}

Channels channels_of(const py::handle& object) {
    const auto [slot, first] = object.cast<std::pair<std::size_t, std::int32_t>>();
    return {slot, first};
}

std::int32_t axis_of(const py::handle& array, py::ssize_t axis) {
    const py::ssize_t size = py::reinterpret_borrow<py::array>(array).shape(axis);
    return static_cast<std::int32_t>(
        std::min<py::ssize_t>(size, std::numeric_limits<std::int32_t>::max()));
}

engine::Conv conv_of(const py::dict& layer) {
    engine::Conv conv;
    conv.input = channels_of(layer["input"]);
    conv.output = channels_of(layer["output"]);
    const auto taps = copy_of<std::int32_t>(layer["taps"], 2, "taps");
    if (axis_of(layer["taps"], 1) != 2) throw BadArgument("taps do not have 2 columns");
    for (std::size_t i = 0; i < taps.size(); i += 2) conv.taps.push_back({taps[i], taps[i + 1]});
    std::tie(conv.origin_y, conv.origin_x) =
        layer["origin"].cast<std::pair<std::int32_t, std::int32_t>>();
    conv.stride = layer["stride"].cast<std::int32_t>();
    conv.weights = copy_of<std::int16_t>(layer["weights"], 3, "weights");
    conv.inputs = axis_of(layer["weights"], 2);
    conv.bias = copy_of<std::int32_t>(layer["bias"], 1, "bias");
    conv.shift = copy_of<std::int32_t>(layer["shift"], 1, "shift");
    if (!layer["slope"].is_none()) conv.slope = copy_of<std::int32_t>(layer["slope"], 1, "slope");
    conv.low = layer["low"].cast<std::int32_t>();
    conv.high = layer["high"].cast<std::int32_t>();
    if (!layer["add"].is_none()) conv.add = channels_of(layer["add"]);
    return conv;
}

template <typename Shuffle>
Shuffle shuffle_of(const py::dict& layer) {
    return {channels_of(layer["input"]), channels_of(layer["output"]),
            layer["channels"].cast<std::int32_t>()};
}

engine::Layer layer_of(const py::dict& layer) {
    const auto kind = layer["kind"].cast<std::string>();
    if (kind == "conv") return conv_of(layer);
    if (kind == "depth_to_space") return shuffle_of<engine::DepthToSpace>(layer);
    if (kind == "space_to_depth") return shuffle_of<engine::SpaceToDepth>(layer);
    throw BadArgument("a layer is of kind '" + kind +
                      "'; accepted: conv, depth_to_space, space_to_depth");
}

std::shared_ptr<Network> make_network(
    const std::vector<std::tuple<std::string, std::int32_t, std::int32_t, bool>>& slots,
    const std::vector<std::pair<std::string, std::vector<py::dict>>>& stages) {
    std::vector<engine::Slot> all_slots;
    for (const auto& [name, channels, max_abs, is_given] : slots) {
        all_slots.push_back({name, channels, max_abs, is_given});
    }
    std::vector<engine::Stage> all_stages;
    for (const auto& [name, layers] : stages) {
        engine::Stage& stage = all_stages.emplace_back();
        stage.name = name;
        for (const py::dict& layer : layers) stage.layers.push_back(layer_of(layer));
    }
    return std::make_shared<Network>(std::move(all_slots), std::move(all_stages));
}

template <typename Named>
Names names_of(const std::vector<Named>& all) {
    Names names;
    for (const Named& each : all) names.push_back(each.name);
    return names;
}

std::vector<Size> sizes_of(const Network& network, const Sizes& named) {
    std::vector<Size> sizes(network.slots().size());
    for (const auto& [name, size] : named) {
        sizes[network.slot_named(name)] = {size.first, size.second};
    }
    return sizes;
}

// One thread at a time works with it; others wait.
class PyWorkspace {
  public:
    PyWorkspace(std::shared_ptr<Network> network, const Sizes& sizes)
        : network_(std::move(network)), workspace_(*network_) {
        workspace_.resize(sizes_of(*network_, sizes));
    }

    void put(const std::string& name, const py::object& values) {
        const std::size_t slot = network_->slot_named(name);
        const auto view = array_view<std::int16_t>(values, 3, name);
        const Map& map = workspace_.map(slot);
        if (axis_of(values, 0) != map.height || axis_of(values, 1) != map.width ||
            axis_of(values, 2) != map.channels) {
            throw BadArgument(
                name + " is " + std::string(py::str(py::getattr(values, "shape"))) +
                "; accepted: " + std::string(py::str(py::tuple(py::cast(shape_of(map))))));
        }
        const std::int32_t most = network_->slots()[slot].max_abs;
        for (const std::int16_t value : view) {
            if (std::abs(std::int32_t{value}) <= most) continue;
            throw BadArgument(name + " holds " + std::to_string(value) + "; accepted: within +-" +
                              std::to_string(most));
        }
        const std::lock_guard<std::mutex> lock(mutex_);
        const std::int16_t* from = view.data;
        for (std::int32_t y = 0; y < map.height; ++y) {
            for (std::int32_t x = 0; x < map.width; ++x, from += map.channels) {
                std::copy_n(from, map.channels, map.at(y, x));
            }
        }
    }

    py::array_t<std::int16_t> get(const std::string& name) {
        const Map& map = workspace_.map(network_->slot_named(name));
        py::array_t<std::int16_t> values(shape_of(map));
        const std::lock_guard<std::mutex> lock(mutex_);
        std::int16_t* to = values.mutable_data();
        for (std::int32_t y = 0; y < map.height; ++y) {
            for (std::int32_t x = 0; x < map.width; ++x, to += map.channels) {
                std::copy_n(map.at(y, x), map.channels, to);
            }
        }
        return values;
    }

    void run(const std::string& stage, std::int32_t condition, std::size_t threads,
             const std::optional<std::string>& kernels) {
        const engine::Kernels& loops = kernels ? engine::kernels_named(*kernels)
                                               : engine::kernels_for(default_instruction_set());
        if (threads < 1 || threads > 256) {
            throw BadArgument("threads is " + std::to_string(threads) + "; accepted: 1 .. 256");
        }
        const py::gil_scoped_release release;
        const std::lock_guard<std::mutex> lock(mutex_);
        if (team_ == nullptr || threads_ != threads) {
            team_ = std::make_unique<Team>(threads);
            threads_ = threads;
        }
        network_->run(network_->stage_named(stage), condition, workspace_, *team_, loops);
    }

    std::uint64_t multiplications(const std::string& stage) const {
        return network_->multiplications(network_->stage_named(stage), workspace_.sizes());
    }

  private:
    static std::vector<py::ssize_t> shape_of(const Map& map) {
        return {map.height, map.width, map.channels};
    }

    std::shared_ptr<Network> network_;
    engine::Workspace workspace_;
    std::unique_ptr<Team> team_;
    std::size_t threads_ = 0;
    std::mutex mutex_;
};

}  // namespace

void bind_engine(py::module_& module) {
    py::class_<Network, std::shared_ptr<Network>>(module, "Network")
        .def(py::init(&make_network), py::arg("slots"), py::arg("stages"))
        .def_property_readonly("slots", [](const Network& n) { return names_of(n.slots()); })
        .def_property_readonly("stages", [](const Network& n) { return names_of(n.stages()); });
    py::class_<PyWorkspace>(module, "Workspace")
        .def(py::init<std::shared_ptr<Network>, const Sizes&>(), py::arg("network").none(false),
             py::arg("sizes"))
        .def("put", &PyWorkspace::put, py::arg("slot"), py::arg("values"))
        .def("get", &PyWorkspace::get, py::arg("slot"))
        .def("run", &PyWorkspace::run, py::arg("stage"), py::kw_only(), py::arg("condition") = 0,
             py::arg("threads") = 1, py::arg("kernels") = py::none())
        .def("multiplications", &PyWorkspace::multiplications, py::arg("stage"));
    module.def(
        "network_peak",
        [](const std::string& kernels, std::size_t rounds) {
            const engine::Kernels& loops = engine::kernels_named(kernels);
            return loops.peak == nullptr ? 0 : loops.peak(rounds);
        },
        py::arg("kernels"), py::arg("rounds"));
    module.def("network_kernels", [] {
        Names names;
        for (const engine::Kernels* kernels : engine::available_kernels()) {
            names.emplace_back(kernels->name);
        }
        return py::tuple(py::cast(names));
    });
}

}  // namespace streamcodec
