#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "satsuma/core/tensor.hpp"
#include "src/devices/sat/device_memory.hpp"
#include "src/devices/sat/transport.hpp"

namespace satsuma::sat::driver {

/// Bytes of device memory, which go back when the last owner drops them. Commands that were submitted before
/// may still use them: whoever gets them next comes later.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::shared_ptr<DeviceMemory> memory, std::uint64_t bytes);

  Address address() const { return block_ ? block_->address : kNowhere; }
  bool is_of(const std::shared_ptr<DeviceMemory>& memory) const { return block_ && block_->memory == memory; }

 private:
  struct Block {
    std::shared_ptr<DeviceMemory> memory;
    Address address;
    Block(std::shared_ptr<DeviceMemory> from, std::uint64_t bytes)
        : memory(std::move(from)), address(memory->take(bytes)) {}
    ~Block() { memory->give_back(address); }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
  };
  std::shared_ptr<const Block> block_;
};

/// A tensor's elements in device memory: its own place where the device reaches that, or a buffer.
struct Operand {
  Buffer buffer;
  Address address = kNowhere;

  bool resident() const { return buffer.address() == kNowhere; }
};

/// The host's side of SAT: owns its memory, moves tensors, submits commands, and counts the bytes that move.
/// Tensors are dense, in the layout that the commands state. Nothing here depends on the transport at hand.
class Driver {
 public:
  explicit Driver(std::shared_ptr<Transport> transport);

  const Transport& transport() const { return *transport_; }
  DeviceTimes take_times() { return transport_->take_times(); }
  std::int64_t bytes_to_device() const { return bytes_to_device_; }
  std::int64_t bytes_from_device() const { return bytes_from_device_; }
  void reset_counts() { bytes_to_device_ = bytes_from_device_ = 0; }
  std::uint64_t memory_in_use() const { return memory_->in_use(); }

  /// Throws OutOfDeviceMemory when device memory is full.
  Buffer allocate(std::int64_t bytes) { return {memory_, static_cast<std::uint64_t>(bytes)}; }
  /// Device memory that the host sees, or host memory where the transport maps none.
  std::shared_ptr<std::byte> allocate_shared(std::size_t bytes);

  bool owns(const Buffer& buffer) const { return buffer.is_of(memory_); }

  /// The bytes of `tensor` in device memory; loaded unless they are there. An undefined tensor is nowhere.
  Operand load(const Tensor& tensor);
  /// The f32 elements of `tensor`, rounded to FP16. Activations in batch-blocked format get zeros in the
  /// lanes that hold no image.
  Buffer load_halves(const Tensor& tensor);
  /// Where a command may write `tensor`; to be handed to store() behind that command.
  Operand room_for(const Tensor& tensor);
  void store(const Operand& operand, Tensor tensor);

  void submit(const Command& command) { last_ = transport_->submit(command); }
  /// Returns when all commands are done; throws DeviceError with what went wrong in them.
  void wait() { transport_->wait(last_); }

 private:
  Address address_of(const Tensor& tensor) const;

  std::shared_ptr<Transport> transport_;
  std::shared_ptr<DeviceMemory> memory_;
  Ticket last_ = 0;
  std::int64_t bytes_to_device_ = 0;
  std::int64_t bytes_from_device_ = 0;
};

}  // namespace satsuma::sat::driver
