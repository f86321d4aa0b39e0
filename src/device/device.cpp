#include "satsuma/device/device.hpp"

#include "satsuma/core/allocator.hpp"

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

void Counters::add(const Counters& before, const Counters& after) {
  for (std::size_t i = 0; i < pass.size(); ++i) {
    for (const auto field : {&PerPass::calls, &PerPass::macs, &PerPass::dense_macs, &PerPass::nanoseconds})
      pass[i].*field += after.pass[i].*field - before.pass[i].*field;
  }
  for (const auto field :
       {&Counters::compress_nanoseconds, &Counters::update_nanoseconds, &Counters::bytes_to_device,
        &Counters::bytes_from_device, &Counters::cycles, &Counters::device_nanoseconds, &Counters::nanojoules,
        &Counters::kernel_nanoseconds, &Counters::transfer_nanoseconds})
    this->*field += after.*field - before.*field;
}

Counters::PerPass& Counters::count(Pass p, const LayerPlan& plan, const Tensor& output) {
  PerPass& counter = pass[static_cast<std::size_t>(p)];
  const std::int64_t images = output.dim(0), height = output.dim(2), width = output.dim(3);
  ++counter.calls;
  counter.macs += pass_macs(plan, p, images, height, width);
  counter.dense_macs += dense_pass_macs(plan, p, images, height, width);
  return counter;
}

std::shared_ptr<std::byte> Device::allocate(std::size_t bytes) {
  return allocate_host(bytes);
}

}  // namespace satsuma
