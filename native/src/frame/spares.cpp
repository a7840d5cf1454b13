#include "frame/spares.hpp"

#include <mutex>

namespace streamcodec::frame {

std::shared_ptr<Spares> shared_spares() {
    static std::mutex mutex;
    static std::weak_ptr<Spares> last;
    const std::lock_guard<std::mutex> lock(mutex);
    std::shared_ptr<Spares> spares = last.lock();
    if (spares == nullptr) last = spares = std::make_shared<Spares>();
    return spares;
}

std::shared_ptr<Memory> take_memory(Pool<Memory>& pool, std::size_t size_bytes) {
    std::shared_ptr<Memory> memory = pool.take([] { return std::make_unique<Memory>(); });
    if (memory->size() < size_bytes) {
        *memory = Memory();  // before the new one is taken
        *memory = Memory(size_bytes);
    }
    return memory;
}

}  // namespace streamcodec::frame
