#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace satsuma::tools {

/// A value of a CSV line, quoted where a separator or a quote would break the line.
std::string csv_cell(std::string_view text);

/// A count with three digits: `987`, `1.23 k`, `45.6 M`, `1.81 G`.
std::string short_count(double count);
/// `512 KiB`, `1.4 GiB`.
std::string short_bytes(std::size_t bytes);

}  // namespace satsuma::tools
