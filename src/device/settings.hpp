#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace satsuma {

/// Reads `key=value,key=value`, what follows the colon of `--device NAME:...`. Throws UsageError naming
/// `device` on an unknown or repeated key and on one without a value.
std::map<std::string, std::string, std::less<>> parse_device_settings(
    std::string_view device, std::string_view text, const std::vector<std::string_view>& keys);

/// A whole number from 0 to 999999; throws UsageError naming device and key.
int parse_device_index(std::string_view device, std::string_view key, std::string_view text);

}  // namespace satsuma
