#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace satsuma::train {

/// A file that grows by whole pieces.
class AppendFile {
 public:
  enum class Begin : std::uint8_t {
    new_file,  ///< it is an error where `path` is there already
    at_end,    ///< of what is there
  };
  /// Throws IoError.
  explicit AppendFile(std::filesystem::path path, Begin begin = Begin::new_file);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Throws IoError; no part of `bytes` is in the file then.
  void append(std::string_view bytes);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

}  // namespace satsuma::train
