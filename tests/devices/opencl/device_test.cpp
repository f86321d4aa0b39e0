// The device `opencl`: conformance, and what stays on it.

#include <doctest/doctest.h>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "src/opencl/handle.hpp"
#include "support/conformance.hpp"

namespace satsuma {

TEST_CASE("the device opencl passes the conformance suite") {
  testing::expect_conformance(find_device("opencl"), {.seed = 4}, 300);
}

TEST_CASE("buffers of the device opencl are reused, its packed weights stay there, and it counts") {
  Device& device = *find_device("opencl");
  const Geometry g{.in_channels = 16, .out_channels = 8, .kernel = {3, 3}, .padding = {1, 1}};
  const Tensor w = Tensor::full(g.weight_shape(), 0.5, DType::f32, MemoryFormat::channels_last);
  const PackedWeight packed = device.compress(w, GroupAxis::input_channels, {2, 8});
  const Tensor x = Tensor::full({5, 16, 4, 4}, 1.0, DType::f32, MemoryFormat::batch_blocked);
  Tensor y = Tensor::empty({5, 8, 4, 4}, DType::f32, MemoryFormat::batch_blocked);
  device.forward(g, x, {.packed = &packed}, {}, y);
  const std::int64_t before = opencl::live_objects;
  device.reset_counters();
  for (int i = 0; i < 1000; ++i) device.forward(g, x, {.packed = &packed}, {}, y);
  CHECK(before > 10);
  CHECK(opencl::live_objects == before);
  CHECK(device.counters().bytes_to_device == 1000 * 4 * x.extent());
  CHECK(device.counters().bytes_from_device == 1000 * 4 * y.extent());
  CHECK(device.counters().kernel_nanoseconds > 0);
  CHECK(device.counters().transfer_nanoseconds > 0);
  CHECK(y.to_vector<float>()[5] == 0.5f * 9 * 4);
}

TEST_CASE("settings of the device opencl are checked") {
  CHECK_THROWS_WITH_AS(find_device("opencl:index=99"), doctest::Contains("no device of index 99"),
                       DeviceError);
  CHECK_THROWS_WITH_AS(find_device("opencl:platform=nobody's"), doctest::Contains("no OpenCL platform"),
                       DeviceError);
  CHECK_THROWS_WITH_AS(find_device("opencl:device=1"), doctest::Contains("setting of device 'opencl'"),
                       UsageError);
}

}  // namespace satsuma
