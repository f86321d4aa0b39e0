// Nothing above the transport depends on which one it is.

#include "src/devices/sat/driver.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "src/devices/sat/device.hpp"
#include "src/devices/sat/emulator/emulator.hpp"
#include "support/conformance.hpp"

namespace satsuma::sat::driver {

namespace {

constexpr std::uint64_t kMemory = std::uint64_t{1} << 30;

/// As a card behind a cable: the host sees none of its memory, and nothing happens before somebody waits.
class Distant : public Transport {
 public:
  explicit Distant(std::uint64_t memory = kMemory) : card_(memory) {}

  const Config& config() const override { return card_.config(); }
  std::string description() const override { return "far away"; }
  std::string where() const override { return "device 'distant'"; }
  std::uint64_t memory() const override { return card_.memory(); }
  std::byte* mapped() const override { return nullptr; }
  Ticket submit(const Command& command) override {
    queue_.push_back(command);
    ++submitted;
    return ++last_;
  }
  void wait(Ticket ticket) override {
    REQUIRE(ticket <= last_);
    const std::vector<Command> queue = std::exchange(queue_, {});
    for (const Command& command : queue) card_.submit(command);
    card_.wait(ticket);
  }

  std::int64_t submitted = 0;

 private:
  Emulator card_;
  std::vector<Command> queue_;
  Ticket last_ = 0;
};

Tensor blocked(const Shape& shape) {
  return Tensor::full(shape, 1.0, DType::f32, MemoryFormat::batch_blocked);
}

}  // namespace

TEST_CASE("a transport that maps no memory and is late passes the conformance suite") {
  const auto device = make_device(std::make_shared<Distant>());
  testing::expect_conformance(device, {.seed = 3}, 300);
}

TEST_CASE("results land in the caller's tensor without a copy where the host sees device memory") {
  const auto emulator = std::make_shared<Emulator>(kMemory);
  Driver driver(emulator);
  const auto memory = driver.allocate_shared(1024);
  const Shape shape = {16, 4, 2, 2};
  const Tensor inside =
      Tensor::over(memory, shape, layout_of(shape, MemoryFormat::batch_blocked), DType::f32);
  CHECK(driver.room_for(inside).resident());
  CHECK(emulator->mapped() + driver.room_for(inside).address == inside.raw());
  CHECK_FALSE(driver.room_for(blocked(shape)).resident());
  CHECK(driver.load({}).address == kNowhere);
}

TEST_CASE("bytes are counted as they move") {
  const Geometry g{.in_channels = 8, .out_channels = 16, .kernel = {3, 3}, .padding = {1, 1}};
  const Shape in = {16, 8, 4, 4}, out = {16, 16, 4, 4};
  const auto device = make_device(std::make_shared<Distant>());
  const Tensor w = Tensor::full(g.weight_shape(), 0.5, DType::f32, MemoryFormat::channels_last);
  const Tensor bias = Tensor::full({16}, 0.5);
  Tensor y = blocked(out);
  device->forward({g, DType::f16}, blocked(in), {.dense = &w}, bias, y);
  CHECK(device->counters().bytes_to_device == 2 * in.numel() + 2 * w.numel() + 4 * 16);
  CHECK(device->counters().bytes_from_device == 4 * out.numel());

  // A packed weight moves once, whoever packed it.
  const PackedWeight packed = compress_reference(w, GroupAxis::input_channels, {2, 8});
  for (const std::int64_t moved : {3 * packed.values.numel(), std::int64_t{0}}) {
    device->reset_counters();
    device->forward({g, DType::f16}, blocked(in), {.packed = &packed}, {}, y);
    CHECK(device->counters().bytes_to_device == 2 * in.numel() + moved);
  }
}

TEST_CASE("what goes wrong comes back at the wait, once, and the device goes on") {
  Emulator emulator(kMemory);
  float number = 1;
  emulator.submit(Load{&number, kMemory - 4, 8});
  const Ticket ticket = emulator.submit(Load{&number, 0, 4});
  std::string message;
  try {
    emulator.wait(ticket);
  } catch (const DeviceError& error) {
    message = error.what();
  }
  CHECK(message.find("8 bytes at address 0x3ffffffc") != std::string::npos);
  CHECK_NOTHROW(emulator.wait(ticket));
  number = 0;
  emulator.submit(Store{0, &number, 4});
  emulator.wait(ticket + 1);
  CHECK(number == 1);
}

TEST_CASE("a layer that the card has no room for is refused with a reason, and a smaller one runs") {
  const auto device = make_device(std::make_shared<Distant>(std::uint64_t{1} << 20));
  const Geometry g{.in_channels = 16, .out_channels = 16};
  const Tensor w = Tensor::full(g.weight_shape(), 1.0, DType::f32, MemoryFormat::channels_last);
  Tensor large = blocked({64, 16, 32, 32}), y = blocked({16, 16, 4, 4});
  CHECK_THROWS_AS(device->forward({g, DType::f16}, large, {.dense = &w}, {}, large), DeviceError);
  device->forward({g, DType::f16}, blocked({16, 16, 4, 4}), {.dense = &w}, {}, y);
  CHECK(y.to_vector<float>()[7] == 16.0f);
}

TEST_CASE("tensors may outlive the device") {
  const Shape shape = {16, 16, 4, 4};
  Tensor y;
  PackedWeight packed;
  {
    const auto device = make_device(std::make_shared<Emulator>(kMemory));
    const Geometry g{.in_channels = 16, .out_channels = 16};
    const Tensor w = Tensor::full(g.weight_shape(), 1.0, DType::f32, MemoryFormat::channels_last);
    const Layout layout = layout_of(shape, MemoryFormat::batch_blocked);
    y = Tensor::over(device->allocate(4 * static_cast<std::size_t>(storage_extent(shape, layout))), shape,
                     layout, DType::f32);
    packed = device->compress(w, GroupAxis::input_channels, {2, 8});
    device->forward({g, DType::f16}, blocked(shape), {.packed = &packed}, {}, y);
  }
  CHECK(y.to_vector<float>()[5] == 4.0f);
  CHECK(packed.values.to_vector<float>()[0] == 1.0f);
}

}  // namespace satsuma::sat::driver
