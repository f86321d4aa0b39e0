#include "src/devices/opencl/buffers.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::opencl {

Buffer BufferPool::take(std::int64_t bytes) {
  // Eight sizes to each power of two, so that those of ragged batches are shared.
  const auto asked = static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 64));
  const std::uint64_t unit = std::max<std::uint64_t>(std::bit_floor(asked) / 8, 64);
  const std::uint64_t size = (asked + unit - 1) / unit * unit;
  Memory memory;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = free_.find(size); found != free_.end())
      memory = std::move(free_.extract(found).mapped());
  }
  if (memory.get() == nullptr) {
    try {
      memory = session_->allocate(size);
    } catch (const DeviceError&) {
      const std::lock_guard lock(mutex_);
      if (free_.empty()) throw;
      free_.clear();
      memory = session_->allocate(size);
    }
  }
  return {new Memory(std::move(memory)), [pool = shared_from_this(), size](Memory* done) {
            pool->give_back(size, std::move(*done));
            delete done;
          }};
}

void BufferPool::give_back(std::uint64_t size, Memory memory) {
  const std::lock_guard lock(mutex_);
  free_.emplace(size, std::move(memory));
}

}  // namespace satsuma::opencl
