#pragma once

#include <cstddef>
#include <memory>

namespace satsuma {

/// What the caching allocator holds, in bytes.
struct MemoryUse {
  std::size_t in_use = 0;  ///< handed out now
  std::size_t peak = 0;    ///< most ever handed out since the last reset_peak_memory()
  std::size_t cached = 0;  ///< kept for reuse
};

/// A block of host memory aligned to 64 bytes, which returns to the cache when the last owner drops it. A
/// training step allocates the same sizes every time, so nearly every call is served from the cache.
/// Contents are unspecified. Thread-safe. Throws Error when the system has no more memory.
std::shared_ptr<std::byte> allocate_host(std::size_t bytes);

MemoryUse memory_use();
void reset_peak_memory();
/// Gives cached blocks back to the system.
void release_cached_memory();

}  // namespace satsuma
