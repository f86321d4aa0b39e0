#include "tools/satsuma/file_text.hpp"

#include <system_error>

#include "src/core/cannot_read.hpp"
#include "src/core/whole_file.hpp"

namespace satsuma::tools {

std::optional<std::string> text_of(const std::filesystem::path& path) {
  std::error_code failure;
  std::string text = read_whole_file(path, failure);
  if (!failure) return text;
  if (is_there(path)) throw cannot_read(path, failure.value());
  return std::nullopt;
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) return "";
  const std::size_t before = text.rfind('\n', end);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, end + 1 - begin);
}

}  // namespace satsuma::tools
