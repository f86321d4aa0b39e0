#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace satsuma::tools {

/// Unpacks the regular files of a tar archive (ustar, GNU names of up to 100 bytes), packed by gzip or not,
/// into directory `to`, and returns their paths. Directories are made as they are needed; links, and whatever
/// else an archive may hold, are left out. Throws FormatError, naming archive and offset, where the archive
/// is damaged or cut off, or a name is absolute or leads out by `..`; IoError where something cannot be
/// written.
std::vector<std::filesystem::path> untar(const std::filesystem::path& archive,
                                         const std::filesystem::path& to);

}  // namespace satsuma::tools
