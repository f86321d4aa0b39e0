#pragma once

#include <filesystem>
#include <string_view>

#include "satsuma/core/error.hpp"

namespace satsuma {

/// `cannot read PATH: WHY`
IoError cannot_read(const std::filesystem::path& path, std::string_view why);
/// Why is what the system says of the error number.
IoError cannot_read(const std::filesystem::path& path, int error);

}  // namespace satsuma
