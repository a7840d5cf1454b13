// Processor time that the parts of a frame take, for benchmarks: of the whole process, so that other ones do not disturb.
#pragma once

#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace streamcodec::frame {

class Times {
  public:
    // Seconds since the last call, or since the beginning, went into `part`.
    void add(const char* part) {
        const std::clock_t now = std::clock();
        parts_.emplace_back(part, static_cast<double>(now - last_) / CLOCKS_PER_SEC);
        last_ = now;
    }
    const std::vector<std::pair<std::string, double>>& parts() const { return parts_; }

  private:
    std::clock_t last_ = std::clock();
    std::vector<std::pair<std::string, double>> parts_;
};

}  // namespace streamcodec::frame
