#pragma once

#include "satsuma/core/tensor.hpp"
#include "src/devices/sat/emulator/dram.hpp"

namespace satsuma::sat::driver {

/// FP32 numbers in device memory as a tensor, for as long as the memory lives.
inline Tensor view_of(const Dram& dram, Address address, const Shape& shape, MemoryFormat format) {
  const Layout layout = layout_of(shape, format);
  auto* const memory = reinterpret_cast<std::byte*>(dram.at<float>(address, storage_extent(shape, layout)));
  return Tensor::over({memory, [](std::byte*) {}}, shape, layout, DType::f32);
}

}  // namespace satsuma::sat::driver
