#include "satsuma/core/error.hpp"
#include "tools/satsuma/serve/live_view.hpp"

namespace satsuma::tools {

void check_can_serve() {
  throw UsageError(
      "--serve: this build has no live view; install libcpp-httplib-dev and build again, or leave it out and "
      "call satsuma report while training");
}

std::unique_ptr<LiveView> serve(const ServeAddress& address, std::function<std::string()> page,
                                std::string& problem) {
  static_cast<void>(address);
  static_cast<void>(page);
  problem = "this build has no live view";
  return nullptr;
}

}  // namespace satsuma::tools
