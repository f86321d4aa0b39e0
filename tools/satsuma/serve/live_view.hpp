#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tools/satsuma/serve/address.hpp"

namespace satsuma::tools {

/// Serves one page over HTTP while it lives, made anew when somebody asks, and nothing else: no file of this
/// machine. It works in threads of its own; whatever clients do, or leave undone, its owner does not notice.
class LiveView {
 public:
  virtual ~LiveView() = default;
  virtual std::string url() const = 0;
};

/// Throws UsageError where this build cannot serve (Meson's option `serve`).
void check_can_serve();

/// Starts to serve what `page` returns; it is called in another thread, may throw, and is asked at most once
/// a second. Null, and the reason in `problem`, where that is not possible: the port is in use.
std::unique_ptr<LiveView> serve(const ServeAddress& address, std::function<std::string()> page,
                                std::string& problem);

}  // namespace satsuma::tools
