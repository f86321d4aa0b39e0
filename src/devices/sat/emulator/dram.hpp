#pragma once

#include <cstddef>
#include <cstdint>

#include "src/devices/sat/commands.hpp"

namespace satsuma::sat::driver {

/// Device memory of the emulated card: host memory that the system provides as it is touched.
class Dram {
 public:
  /// Throws DeviceError when the system reserves none.
  explicit Dram(std::uint64_t bytes);
  ~Dram();
  Dram(const Dram&) = delete;
  Dram& operator=(const Dram&) = delete;

  std::byte* base() const { return base_; }
  std::uint64_t size() const { return size_; }

  /// `count` elements at `address`. Throws DeviceError when they are not all inside.
  template <typename T>
  T* at(Address address, std::int64_t count) const {
    check(address, static_cast<std::uint64_t>(count) * sizeof(T), alignof(T));
    return reinterpret_cast<T*>(base_ + address);
  }

 private:
  void check(Address address, std::uint64_t bytes, std::uint64_t alignment) const;

  std::byte* base_ = nullptr;
  std::uint64_t size_;
};

}  // namespace satsuma::sat::driver
