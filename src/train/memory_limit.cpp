#include "src/train/memory_limit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

namespace {

std::optional<std::size_t> number_in(const char* path) {
  std::ifstream file(path);
  std::size_t number = 0;
  if (!(file >> number)) return std::nullopt;  // `max` where there is no limit
  return number;
}

std::optional<std::size_t> available_in_machine() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name; file.ignore(1 << 10, '\n')) {
    if (std::size_t kibibytes = 0; name == "MemAvailable:" && file >> kibibytes) return kibibytes << 10;
  }
  return std::nullopt;
}

}  // namespace

std::size_t parse_bytes(std::string_view option, std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
                                                            {"TiB", 0x1p40}, {"KB", 1e3},     {"MB", 1e6},
                                                            {"GB", 1e9},     {"TB", 1e12}};
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  for (const auto& [name, bytes] : kUnits) {
    if (error == std::errc{} && unit == name && number > 0 && number * bytes < 1e18)
      return static_cast<std::size_t>(number * bytes);
  }
  throw UsageError(fmt::format("{} got '{}', expected a size such as 8GiB or 500MB", option, text));
}

std::size_t available_memory() {
  std::optional<std::size_t> available = available_in_machine();
  const auto limit = number_in("/sys/fs/cgroup/memory.max");
  const auto used = number_in("/sys/fs/cgroup/memory.current");
  if (limit && used) {
    const std::size_t left = *limit > *used ? *limit - *used : 0;
    available = std::min(available.value_or(left), left);
  }
  if (!available) throw IoError("how much memory is free cannot be read from /proc/meminfo; give --memory");
  return *available;
}

}  // namespace satsuma::train
