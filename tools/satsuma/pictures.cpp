#include "tools/satsuma/pictures.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "satsuma/core/error.hpp"
#include "satsuma/data/class_folders.hpp"
#include "satsuma/data/decode.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

/// As much as data::read_file() takes.
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

std::vector<std::string> pictures_in(const fs::path& directory) {
  std::vector<std::string> files;
  std::error_code error;
  // Links to directories are not followed, so that there is an end.
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.') && data::is_picture_name(name) && !at->is_directory(ignored))
      files.push_back(at->path().string());
  }
  if (error) throw cannot_read(directory, error.value());
  if (files.empty()) {
    throw IoError(fmt::format("{}: no picture (.jpg, .jpeg, .png, .bmp, .gif) in it or below",
                              shown_path(directory.string())));
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::uint8_t> standard_input() {
  std::vector<std::uint8_t> bytes;
  std::array<std::uint8_t, 1 << 16> part{};
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw cannot_read("standard input", errno);
    if (got == 0) return bytes;
    bytes.insert(bytes.end(), part.begin(), part.begin() + got);
    if (bytes.size() > kMostBytes)
      throw FormatError(
          fmt::format("standard input has more than {} bytes; expected one picture", kMostBytes));
  }
}

}  // namespace

std::vector<std::string> list_pictures(const std::vector<std::string>& arguments) {
  if (std::count(arguments.begin(), arguments.end(), kStandardInput) > 1)
    throw UsageError("- is given twice, but standard input is one picture");
  std::vector<std::string> files;
  for (const std::string& argument : arguments) {
    std::error_code error;
    if (argument == kStandardInput || !fs::is_directory(argument, error)) {
      files.push_back(argument);
      continue;
    }
    const std::vector<std::string> inside = pictures_in(argument);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

data::Image read_picture(const std::string& file, std::int64_t channels, std::int64_t least_side) {
  if (file != kStandardInput) return data::read_image(file, channels, least_side);
  data::Image image;
  data::decode_image(standard_input(), "standard input", channels, image, least_side);
  return image;
}

std::string bad_images_text(const std::vector<std::string>& names) {
  const bool one = names.size() == 1;
  return fmt::format("{} image{} could not be read and {} passed over, such as {}", names.size(),
                     one ? "" : "s", one ? "was" : "were", shown(names.front()));
}

}  // namespace satsuma::tools
