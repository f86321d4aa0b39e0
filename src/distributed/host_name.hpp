#pragma once

#include <unistd.h>

#include <array>
#include <string>

namespace satsuma::distributed {

inline std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "an unknown host";
}

}  // namespace satsuma::distributed
