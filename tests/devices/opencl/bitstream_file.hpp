#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace satsuma::testing {

/// A folder of this process, which goes with it.
const std::filesystem::path& scratch_folder();

/// A file of SAT's kernels for the first OpenCL device, with an array of 4 x 8 USPEs so that small layers
/// take several folds; built once.
const std::filesystem::path& small_sat();

std::string read_file(const std::filesystem::path& path);
/// Writes a file in the scratch folder and returns its path.
std::filesystem::path write_file(const std::string& name, const std::string& content);

}  // namespace satsuma::testing
