#pragma once

#include <filesystem>
#include <optional>

#include "src/train/locked_file.hpp"

namespace satsuma::tools::compare {

/// A run belongs to the process that holds its claim, a locked file: no claim outlives its run. A child
/// inherits it: where the comparison is killed and the training goes on for a moment, nobody else begins the
/// run. Empty where another process holds it. Throws IoError where the file cannot be made, or the file
/// system has no locks.
std::optional<train::LockedFile> claim(const std::filesystem::path& path);

/// Removes the claim of a run that has ended, where the process that held it was killed before it could.
void remove_leftover(const std::filesystem::path& path);

}  // namespace satsuma::tools::compare
