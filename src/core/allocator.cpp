#include "satsuma/core/allocator.hpp"

#include <fmt/core.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLarge = std::size_t{1} << 21;

/// Rounds up so that nearly equal requests share a block: 64 bytes below 4 KiB, a page above, and past 2 MiB
/// an eighth of that, which is little of what such a tensor takes.
std::size_t rounded(std::size_t bytes) {
  const std::size_t unit = bytes <= 4096 ? kAlignment : bytes <= kLarge ? 4096 : kLarge / 8;
  return (std::max<std::size_t>(bytes, 1) + unit - 1) / unit * unit;
}

/// What the machine has, disks for swapping included; without a bound where that is not known.
std::size_t machine_memory() {
  static const std::size_t bytes = [] {
    struct sysinfo info {};
    if (::sysinfo(&info) != 0) return std::numeric_limits<std::size_t>::max();
    return (std::size_t{info.totalram} + info.totalswap) * info.mem_unit;
  }();
  return bytes;
}

class Cache {
 public:
  std::byte* take(std::size_t bytes) {
    std::lock_guard lock(mutex_);
    std::byte* block = nullptr;
    // A block up to an eighth larger will do; beyond that reuse wastes more than a fresh allocation costs.
    const auto found = free_.lower_bound(bytes);
    if (found != free_.end() && found->first <= bytes + bytes / 8) {
      block = found->second.back();
      bytes = found->first;
      found->second.pop_back();
      use_.cached -= bytes;
      if (found->second.empty()) free_.erase(found);
    } else {
      block = fresh(bytes);
    }
    try {
      sizes_.emplace(block, bytes);
    } catch (const std::bad_alloc&) {
      std::free(block);
      throw;
    }
    use_.in_use += bytes;
    use_.peak = std::max(use_.peak, use_.in_use);
    return block;
  }

  /// Called by destructors, and so without an exception: a block that cannot be noted for want of memory is
  /// freed.
  void give_back(std::byte* block) noexcept {
    std::lock_guard lock(mutex_);
    const auto entry = sizes_.find(block);
    const std::size_t bytes = entry->second;
    sizes_.erase(entry);
    use_.in_use -= bytes;
    try {
      free_[bytes].push_back(block);
      use_.cached += bytes;
    } catch (const std::bad_alloc&) {
      if (const auto kept = free_.find(bytes); kept != free_.end() && kept->second.empty()) free_.erase(kept);
      std::free(block);
    }
  }

  void release() {
    std::lock_guard lock(mutex_);
    release_locked();
  }

  MemoryUse use() {
    std::lock_guard lock(mutex_);
    return use_;
  }

  void reset_peak() {
    std::lock_guard lock(mutex_);
    use_.peak = use_.in_use;
  }

 private:
  [[noreturn]] void fail(std::size_t bytes) const {
    throw Error(
        fmt::format("out of memory: {} MiB asked, {} MiB in use, the machine has {} MiB; try a smaller "
                    "--batch-size or model",
                    bytes >> 20, use_.in_use >> 20, machine_memory() >> 20));
  }

  std::byte* fresh(std::size_t bytes) {
    // The kernel promises more than there is, and ends whoever writes to it.
    if (bytes > machine_memory() || use_.in_use > machine_memory() - bytes) fail(bytes);
    const std::size_t alignment = bytes >= kLarge ? kLarge : kAlignment;
    // Not aligned_alloc(), which wants a size that is a multiple of the alignment.
    void* block = nullptr;
    if (posix_memalign(&block, alignment, bytes) != 0) {
      release_locked();
      if (posix_memalign(&block, alignment, bytes) != 0) block = nullptr;
    }
    if (block == nullptr) fail(bytes);
    return static_cast<std::byte*>(block);
  }

  void release_locked() {
    for (auto& [bytes, blocks] : free_) {
      for (std::byte* block : blocks) std::free(block);
    }
    free_.clear();
    use_.cached = 0;
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> free_;
  std::map<std::byte*, std::size_t> sizes_;
  MemoryUse use_;
};

/// Never destroyed: tensors in static storage may outlive any static of ours.
Cache& cache() {
  static Cache* const instance = new Cache;
  return *instance;
}

}  // namespace

std::shared_ptr<std::byte> allocate_host(std::size_t bytes) {
  return {cache().take(rounded(bytes)), [](std::byte* block) { cache().give_back(block); }};
}

MemoryUse memory_use() {
  return cache().use();
}
void reset_peak_memory() {
  cache().reset_peak();
}
void release_cached_memory() {
  cache().release();
}

}  // namespace satsuma
