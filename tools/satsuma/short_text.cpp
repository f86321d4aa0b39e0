#include "tools/satsuma/short_text.hpp"

#include <fmt/core.h>

namespace satsuma::tools {

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string short_count(double count) {
  for (const char* unit : {"", " k", " M", " G", " T"}) {
    if (count < 999.5)
      return fmt::format("{:.{}f}{}", count,
                         *unit == '\0' || count >= 99.95 ? 0
                         : count >= 9.995                ? 1
                                                         : 2,
                         unit);
    count /= 1000;
  }
  return fmt::format("{:.0f} P", count);
}

std::string short_bytes(std::size_t bytes) {
  const double kib = static_cast<double>(bytes) / 1024;
  if (kib < 1024) return fmt::format("{:.0f} KiB", kib);
  if (kib < 1024 * 1024) return fmt::format("{:.0f} MiB", kib / 1024);
  return fmt::format("{:.1f} GiB", kib / 1024 / 1024);
}

}  // namespace satsuma::tools
