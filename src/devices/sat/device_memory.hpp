#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "satsuma/core/error.hpp"
#include "src/devices/sat/commands.hpp"

namespace satsuma::sat::driver {

/// No free block of device memory is large enough.
class OutOfDeviceMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

/// Which parts of device memory are in use: best fit, and neighbours that are free become one. Blocks are
/// aligned to 64 bytes. Thread-safe, as tensors over device memory may die anywhere.
class DeviceMemory {
 public:
  /// `where` names the memory in messages: `device 'sat'`.
  explicit DeviceMemory(std::uint64_t bytes, std::string where = "device 'sat'");

  /// Throws OutOfDeviceMemory when no free block is large enough.
  Address take(std::uint64_t bytes);
  void give_back(Address address);

  std::uint64_t capacity() const { return capacity_; }
  std::uint64_t in_use() const;

 private:
  void add_free(Address address, std::uint64_t bytes);
  void remove_free(std::map<Address, std::uint64_t>::iterator block);

  std::string where_;
  mutable std::mutex mutex_;
  std::uint64_t capacity_;
  std::uint64_t in_use_ = 0;
  std::map<Address, std::uint64_t> used_;
  std::map<Address, std::uint64_t> free_;
  std::set<std::pair<std::uint64_t, Address>> by_size_;  ///< of the free blocks
};

}  // namespace satsuma::sat::driver
