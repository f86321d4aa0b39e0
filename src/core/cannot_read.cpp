#include "src/core/cannot_read.hpp"

#include <fmt/core.h>

#include <system_error>

#include "src/core/utf8.hpp"

namespace satsuma {

IoError cannot_read(const std::filesystem::path& path, std::string_view why) {
  return IoError(fmt::format("cannot read {}: {}", shown_path(path.string()), why));
}

IoError cannot_read(const std::filesystem::path& path, int error) {
  return cannot_read(path, std::generic_category().message(error));
}

}  // namespace satsuma
