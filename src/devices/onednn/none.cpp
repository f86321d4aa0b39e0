// Stands for the device `onednn` where this build has no oneDNN.

#include <memory>

#include "satsuma/core/error.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma {

std::shared_ptr<Device> create_onednn_device() {
  throw DeviceError(
      "this build has no oneDNN; install its development files (Debian: libdnnl-dev or libonednn-dev) and "
      "set it up anew with -Donednn=enabled");
}

}  // namespace satsuma
