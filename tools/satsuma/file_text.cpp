#include "tools/satsuma/file_text.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"

namespace satsuma::tools {

std::optional<std::string> text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (is_there(path)) throw IoError(train::io_message("read", path, errno));
    return std::nullopt;
  }
  std::ostringstream text;
  text << file.rdbuf();
  // An error in reading is the other stream's.
  if (file.bad() || text.bad()) throw IoError(train::io_message("read", path, EIO));
  return std::move(text).str();
}

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) return "";
  const std::size_t before = text.rfind('\n', end);
  const std::size_t begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, end + 1 - begin);
}

}  // namespace satsuma::tools
