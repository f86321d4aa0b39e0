#include "src/devices/sat/device_memory.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::sat::driver {

namespace {

constexpr std::uint64_t kAlignment = 64;

}  // namespace

DeviceMemory::DeviceMemory(std::uint64_t bytes, std::string where)
    : where_(std::move(where)), capacity_(bytes / kAlignment * kAlignment) {
  if (capacity_ > 0) add_free(0, capacity_);
}

Address DeviceMemory::take(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t asked = std::max<std::uint64_t>(bytes, 1);
  // Rounding up what is larger than the memory could wrap.
  const std::uint64_t size = asked > capacity_ ? asked : (asked + kAlignment - 1) / kAlignment * kAlignment;
  const auto fitting = by_size_.lower_bound({size, 0});
  if (fitting == by_size_.end()) {
    throw OutOfDeviceMemory(
        fmt::format("{} is out of memory: {} MiB asked, {} of {} MiB in use; try a smaller --batch-size or "
                    "model",
                    where_, asked >> 20, in_use_ >> 20, capacity_ >> 20));
  }
  const auto [block_size, address] = *fitting;
  remove_free(free_.find(address));
  if (block_size > size) add_free(address + size, block_size - size);
  used_.emplace(address, size);
  in_use_ += size;
  return address;
}

void DeviceMemory::give_back(Address address) {
  const std::lock_guard lock(mutex_);
  const auto block = used_.find(address);
  std::uint64_t size = block->second;
  used_.erase(block);
  in_use_ -= size;
  auto next = free_.lower_bound(address);
  if (next != free_.end() && next->first == address + size) {
    size += next->second;
    remove_free(next);
    next = free_.lower_bound(address);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == address) {
      address = before->first;
      size += before->second;
      remove_free(before);
    }
  }
  add_free(address, size);
}

std::uint64_t DeviceMemory::in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

void DeviceMemory::add_free(Address address, std::uint64_t bytes) {
  free_.emplace(address, bytes);
  by_size_.emplace(bytes, address);
}

void DeviceMemory::remove_free(std::map<Address, std::uint64_t>::iterator block) {
  by_size_.erase({block->second, block->first});
  free_.erase(block);
}

}  // namespace satsuma::sat::driver
