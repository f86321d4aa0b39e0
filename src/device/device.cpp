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

std::shared_ptr<std::byte> Device::allocate(std::size_t bytes) {
  return allocate_host(bytes);
}

}  // namespace satsuma
