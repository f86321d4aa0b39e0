#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "src/core/file_descriptor.hpp"

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

  /// Throws IoError; no part of `bytes` is in the file then.
  void append(std::string_view bytes);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
};

}  // namespace satsuma::train
