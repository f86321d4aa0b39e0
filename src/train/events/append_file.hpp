#pragma once

#include <filesystem>
#include <string_view>

namespace satsuma::train {

/// A new file that grows by whole pieces.
class AppendFile {
 public:
  /// Throws IoError, also where `path` is there already.
  explicit AppendFile(std::filesystem::path path);
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
