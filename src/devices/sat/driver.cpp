#include "src/devices/sat/driver.hpp"

#include <functional>
#include <utility>

#include "satsuma/core/allocator.hpp"

namespace satsuma::sat::driver {

namespace {

std::int64_t bytes_of(const Tensor& tensor) {
  return tensor.extent() * static_cast<std::int64_t>(size_of(tensor.dtype()));
}

}  // namespace

Buffer::Buffer(std::shared_ptr<DeviceMemory> memory, std::uint64_t bytes)
    : block_(std::make_shared<const Block>(std::move(memory), bytes)) {}

Driver::Driver(std::shared_ptr<Transport> transport)
    : transport_(std::move(transport)),
      memory_(std::make_shared<DeviceMemory>(transport_->memory(), transport_->where())) {}

std::shared_ptr<std::byte> Driver::allocate_shared(std::size_t bytes) {
  std::byte* const mapped = transport_->mapped();
  if (mapped == nullptr) return allocate_host(bytes);
  const Buffer buffer(memory_, bytes);
  // Tensors may outlive the driver, and the memory that is mapped belongs to the transport.
  return {mapped + buffer.address(), [buffer, transport = transport_](std::byte*) {}};
}

Address Driver::address_of(const Tensor& tensor) const {
  const std::byte* const mapped = transport_->mapped();
  const std::byte* const at = tensor.raw();
  // std::less orders pointers to different objects, where < need not.
  const std::less<> before;
  if (mapped == nullptr || before(at, mapped) || !before(at, mapped + transport_->memory())) return kNowhere;
  return static_cast<Address>(at - mapped);
}

Operand Driver::load(const Tensor& tensor) {
  if (!tensor.defined()) return {};
  Operand operand = room_for(tensor);
  if (!operand.resident()) {
    submit(Load{tensor.raw(), operand.address, bytes_of(tensor)});
    bytes_to_device_ += bytes_of(tensor);
  }
  return operand;
}

Buffer Driver::load_halves(const Tensor& tensor) {
  const std::int64_t count = tensor.extent();
  Buffer buffer = allocate(2 * count);
  LoadHalves command{tensor.data<float>(), buffer.address(), count, count, static_cast<std::int32_t>(kLanes)};
  const std::int64_t lanes = tensor.lanes();
  if (lanes > 1 && tensor.dim(0) % lanes != 0) {
    command.last_block = tensor.dim(0) / lanes * (tensor.numel() / tensor.dim(0)) * lanes;
    command.valid_lanes = static_cast<std::int32_t>(tensor.dim(0) % lanes);
  }
  submit(command);
  bytes_to_device_ += 2 * count;
  return buffer;
}

Operand Driver::room_for(const Tensor& tensor) {
  if (!tensor.defined()) return {};
  Operand operand;
  operand.address = address_of(tensor);
  if (operand.address == kNowhere) {
    operand.buffer = allocate(bytes_of(tensor));
    operand.address = operand.buffer.address();
  }
  return operand;
}

void Driver::store(const Operand& operand, Tensor tensor) {
  if (!tensor.defined() || operand.resident()) return;
  submit(Store{operand.address, tensor.raw(), bytes_of(tensor)});
  bytes_from_device_ += bytes_of(tensor);
}

}  // namespace satsuma::sat::driver
