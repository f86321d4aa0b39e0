#pragma once

#include <cstddef>
#include <string_view>

namespace satsuma::train {

/// Bytes of `8GiB`, `500MiB` or `2GB`. Throws UsageError: `option`, what was typed, what is expected.
std::size_t parse_bytes(std::string_view option, std::string_view text);

/// What this process may still take: what the kernel says is available, or what is left of its control
/// group's limit where that is less. Throws IoError where neither can be read.
std::size_t available_memory();

}  // namespace satsuma::train
