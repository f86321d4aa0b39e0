#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "satsuma/device/device.hpp"
#include "satsuma/sat/schedule.hpp"
#include "src/devices/sat/transport.hpp"

namespace satsuma::sat::driver {

/// SAT at the other end of `transport`. Where its memory does not hold a pass and there is a `spare`, the
/// device says so on standard error and goes on with that. Layers are run as `schedule` says, where it is
/// given.
std::shared_ptr<Device> make_device(std::shared_ptr<Transport> transport, std::string_view name = "sat",
                                    std::function<std::shared_ptr<Transport>()> spare = {},
                                    std::optional<Schedule> schedule = {});

}  // namespace satsuma::sat::driver
