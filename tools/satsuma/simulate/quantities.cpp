#include "tools/satsuma/simulate/quantities.hpp"

#include <fmt/core.h>

#include "tools/satsuma/short_text.hpp"

namespace satsuma::tools {

std::string cycles_text(std::int64_t cycles) {
  return short_count(static_cast<double>(cycles));
}

std::string seconds_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  return seconds < 1 ? fmt::format("{:.3g} ms", seconds * 1e3) : fmt::format("{:.4g} s", seconds);
}

std::string rate_text(double per_second) {
  return per_second < 1000 ? fmt::format("{:.4g}", per_second) : fmt::format("{:.0f}", per_second);
}

std::string bytes_text(double bytes) {
  return short_count(bytes) + "B";
}

std::string method_text(std::string_view method, Pattern pattern) {
  if (method.empty() || method == "dense") return std::string(method);
  // A pattern of the method's own is `pattern` already.
  return fmt::format("{} {}", method.substr(0, method.find('@')), to_string(pattern));
}

}  // namespace satsuma::tools
