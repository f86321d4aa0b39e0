#include "src/device/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma {

std::map<std::string, std::string, std::less<>> parse_device_settings(
    std::string_view device, std::string_view text, const std::vector<std::string_view>& keys) {
  std::map<std::string, std::string, std::less<>> settings;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const std::size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals);
    find_named(fmt::format("setting of device '{}'", device), key, keys);
    if (equals == std::string_view::npos || equals + 1 == item.size())
      throw UsageError(fmt::format("device '{}' got '{}', expected {}=VALUE", device, item, key));
    if (!settings.emplace(key, item.substr(equals + 1)).second)
      throw UsageError(fmt::format("device '{}' got {} twice", device, key));
  }
  return settings;
}

int parse_device_index(std::string_view device, std::string_view key, std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > 999'999) {
    throw UsageError(fmt::format("device '{}' got {}={}, expected a whole number from 0", device, key, text));
  }
  return number;
}

}  // namespace satsuma
