#pragma once

#include <filesystem>

#include "satsuma/distributed/communicator.hpp"
#include "src/core/file_descriptor.hpp"

namespace satsuma::train {

/// A file of rank 0's, to be read where other ranks may not see its file system: on rank 0 the file itself,
/// on others a copy in memory for as long as this lives. All ranks make it together.
class FileOfFirst {
 public:
  /// Throws IoError when rank 0 cannot read it, or another rank has no memory for it.
  FileOfFirst(distributed::Communicator& ranks, std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  FileDescriptor file_;
};

}  // namespace satsuma::train
