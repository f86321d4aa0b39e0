#include "tools/satsuma/serve/address.hpp"

#include <fmt/core.h>

#include <charconv>

#include "satsuma/core/error.hpp"

namespace satsuma::tools {

ServeAddress ServeAddress::parse(std::string_view text) {
  ServeAddress address;
  if (text.empty()) return address;
  const std::size_t colon = text.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    // An IPv6 address stands in brackets where a port follows.
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    address.host = host;
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size() || address.port < 1 || address.port > 65535 ||
      address.host.empty()) {
    throw UsageError(fmt::format("--serve got '{}', expected a port from 1 to 65535, or ADDRESS:PORT", text));
  }
  address.asked = true;
  return address;
}

bool ServeAddress::loopback() const {
  return host.starts_with("127.") || host == "localhost" || host == "::1";
}

}  // namespace satsuma::tools
