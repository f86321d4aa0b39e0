// SAT over OpenCL as a transport: conformance, what stays on the device, what leaks.

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "devices/opencl/bitstream_file.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "src/devices/sat/device.hpp"
#include "src/devices/sat/driver.hpp"
#include "src/devices/sat/halves.hpp"
#include "src/devices/sat/opencl/opencl.hpp"
#include "src/devices/sat/opencl/transport.hpp"
#include "src/opencl/handle.hpp"
#include "support/conformance.hpp"

namespace satsuma::sat::driver {

namespace {

Tensor blocked(const Shape& shape) {
  return Tensor::full(shape, 1.0, DType::f32, MemoryFormat::batch_blocked);
}

const Geometry kLayer{.in_channels = 16, .out_channels = 8, .kernel = {3, 3}, .padding = {1, 1}};

}  // namespace

TEST_CASE("SAT over OpenCL passes the conformance suite") {
  const auto device = make_device(connect_opencl({testing::small_sat()}), "sat:opencl");
  MESSAGE(device->description());
  satsuma::testing::expect_conformance(device, {.seed = 3}, 300);
}

TEST_CASE("packed weights stay on the device, bytes are counted, and its clock counts the time") {
  const auto device = make_device(connect_opencl({testing::small_sat()}));
  const Tensor w = Tensor::full(kLayer.weight_shape(), 0.5, DType::f32, MemoryFormat::channels_last);
  const Tensor velocity = Tensor::zeros(w.shape(), DType::f32, MemoryFormat::channels_last);
  PackedWeight ff, bp;
  const SgdRule rule({.momentum = 0.9});
  device->update({w, w, {velocity}, &rule, 0.5, 0, {2, 8}, &ff, &bp});
  const std::int64_t packed = ff.values.numel() + bp.values.numel();
  CHECK(device->counters().bytes_to_device == 4 * 3 * w.numel());
  CHECK(device->counters().bytes_from_device == 4 * 2 * w.numel() + 5 * packed);
  device->reset_counters();
  Tensor x = blocked({5, 16, 4, 4}), y = blocked({5, 8, 4, 4});
  for (int i = 0; i < 2; ++i) device->forward({kLayer, DType::f16}, x, {.packed = &ff}, {}, y);
  CHECK(device->counters().bytes_to_device == 2 * 2 * x.extent());
  CHECK(device->counters().bytes_from_device == 2 * 4 * y.extent());
  CHECK(device->counters().kernel_nanoseconds > 0);
  CHECK(device->counters().transfer_nanoseconds > 0);
}

TEST_CASE("ten thousand steps leave nothing behind") {
  const auto transport = connect_opencl({testing::small_sat()});
  Driver driver(transport);
  const Geometry g{.in_channels = 16, .out_channels = 8};
  const Tensor w = Tensor::full(g.weight_shape(), 0.5, DType::f32, MemoryFormat::channels_last);
  const Tensor x = blocked({1, 16, 1, 1});
  Tensor y = blocked({1, 8, 1, 1});
  const std::int64_t before = opencl::live_objects;
  for (int step = 0; step < 10000; ++step) {
    const Buffer input = driver.load_halves(x), weight = driver.load_halves(w);
    const Operand output = driver.room_for(y);
    driver.submit(Contract{.geometry = g,
                           .images = 1,
                           .in_size = {1, 1},
                           .out_size = {1, 1},
                           .x = input.address(),
                           .weight = weight.address(),
                           .result = output.address});
    driver.store(output, y);
    // Several steps in flight at a time.
    if (step % 10 == 9) driver.wait();
  }
  driver.wait();
  CHECK(y.to_vector<float>()[3] == 8.0f);
  CHECK(before > 10);
  CHECK(opencl::live_objects == before);
  CHECK(driver.memory_in_use() == 0);
}

TEST_CASE("every FP16 number is loaded as it is, by the platform and by integer arithmetic") {
  constexpr std::int64_t kNumbers = 1 << 16;
  std::vector<std::uint16_t> halves(kNumbers);
  std::iota(halves.begin(), halves.end(), std::uint16_t{0});
  std::vector<float> expected(kNumbers), got(kNumbers);
  to_floats(halves.data(), kNumbers, expected.data());
  const std::uint16_t one = 0x3c00;
  Bitstream bitstream = read_bitstream(testing::small_sat());
  const opencl::ChosenDevice device = opencl::choose_device({});
  for (const char* const options : {"", "-DINTEGER_HALVES"}) {
    CAPTURE(options);
    {
      const opencl::Session session(device);
      bitstream.binary = session.binary_of(
          session.build(kernel_source(bitstream.config, static_cast<int>(bitstream.largest_group)), options));
    }
    OpenClTransport transport(device, bitstream, std::uint64_t{1} << 20);
    const Address weight = 2 * kNumbers, result = weight + 64;
    transport.submit(Load{halves.data(), 0, 2 * kNumbers});
    transport.submit(Load{&one, weight, 2});
    transport.submit(Contract{.geometry = {},
                              .images = 16,
                              .in_size = {64, 64},
                              .out_size = {64, 64},
                              .x = 0,
                              .weight = weight,
                              .result = result});
    transport.wait(transport.submit(Store{result, got.data(), 4 * kNumbers}));
    std::int64_t wrong = 0;
    for (std::size_t i = 0; i < kNumbers; ++i)
      wrong += std::isnan(expected[i]) ? !std::isnan(got[i]) : got[i] != expected[i];
    CHECK(wrong == 0);
  }
}

TEST_CASE("what goes wrong in a command comes back at the wait, once, naming platform and device") {
  const auto transport = connect_opencl({testing::small_sat()});
  float number = 1;
  transport->submit(Load{&number, transport->memory() - 4, 8});
  const Ticket ticket = transport->submit(Load{&number, 0, 4});
  CHECK_THROWS_WITH_AS(transport->wait(ticket), doctest::Contains("device 'sat:opencl' on platform '"),
                       DeviceError);
  CHECK_NOTHROW(transport->wait(ticket));
  number = 0;
  transport->wait(transport->submit(Store{0, &number, 4}));
  CHECK(number == 1);
}

TEST_CASE("a pass that the device's memory does not hold goes on with the spare, or is refused in one line") {
  const Bitstream bitstream = read_bitstream(testing::small_sat());
  const auto small = [&] {
    return std::make_shared<OpenClTransport>(opencl::choose_device({}), bitstream, std::uint64_t{1} << 20);
  };
  const Geometry g{.in_channels = 16, .out_channels = 16};
  const Tensor w = Tensor::full(g.weight_shape(), 1.0, DType::f32, MemoryFormat::channels_last);
  const Tensor large = blocked({64, 16, 32, 32});
  Tensor y = blocked(large.shape());
  const auto alone = make_device(small(), "sat:opencl");
  CHECK_THROWS_WITH_AS(alone->forward({g, DType::f16}, large, {.dense = &w}, {}, y),
                       doctest::Contains("device 'sat:opencl' on platform '"), OutOfDeviceMemory);
  const auto spared =
      make_device(small(), "sat:opencl", [] { return connect_opencl({testing::small_sat()}); });
  spared->forward({g, DType::f16}, large, {.dense = &w}, {}, y);
  CHECK(y.to_vector<float>()[7] == 16.0f);
}

}  // namespace satsuma::sat::driver
