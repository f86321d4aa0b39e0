#include "satsuma/device/device.hpp"

#include "satsuma/core/allocator.hpp"
#include "satsuma/device/macs.hpp"

namespace satsuma {

std::string_view to_string(Pass pass) {
  switch (pass) {
    case Pass::ff:
      return "FF";
    case Pass::bp:
      return "BP";
    case Pass::wu:
      break;
  }
  return "WU";
}

Counters::PerPass& Counters::count(Pass p, const Geometry& geometry, const WeightOperand& w,
                                   const Tensor& output) {
  PerPass& counter = pass[static_cast<std::size_t>(p)];
  const std::int64_t images = output.dim(0), height = output.dim(2), width = output.dim(3);
  ++counter.calls;
  counter.macs += images * pass_macs(geometry, p, w.packed ? w.packed->pattern : Pattern(), height, width);
  counter.dense_macs += images * geometry.dense_macs(height, width);
  return counter;
}

std::shared_ptr<std::byte> Device::allocate(std::size_t bytes) {
  return allocate_host(bytes);
}

}  // namespace satsuma
