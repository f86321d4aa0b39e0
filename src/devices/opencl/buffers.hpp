#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "src/opencl/session.hpp"

namespace satsuma::opencl {

/// Device memory that goes back to its pool with the last owner.
using Buffer = std::shared_ptr<Memory>;

/// Buffers of a device, kept for reuse: a training step takes the same sizes every time. Thread-safe, as
/// packed weights may die anywhere.
class BufferPool : public std::enable_shared_from_this<BufferPool> {
 public:
  explicit BufferPool(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  /// At least `bytes`. Gives what is kept back to the device before it gives up with DeviceError.
  Buffer take(std::int64_t bytes);

 private:
  void give_back(std::uint64_t size, Memory memory);

  std::shared_ptr<Session> session_;
  std::mutex mutex_;
  std::multimap<std::uint64_t, Memory> free_;
};

}  // namespace satsuma::opencl
