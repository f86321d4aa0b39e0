#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace satsuma::tools {

/// A file that comes with Satsuma, by its path below share/satsuma: `configs/sat-vcu1525.toml`. Looked for
/// beside the running program (`../share/satsuma`), so that an installed tree may be moved, then where it was
/// installed; a program that was built and not installed takes the source tree's. Empty where there is none.
std::filesystem::path shipped_file(std::string_view name);

/// Names of the TOML files of a shipped folder, without their suffix, sorted.
std::vector<std::string> shipped_names(std::string_view folder);

/// The path that `given` stands for: itself where it exists or names a folder, else the shipped file of that
/// name in `folder`, with or without .toml. Throws UsageError, with the names that there are, where a name
/// without a suffix is neither.
std::filesystem::path shipped_or_given(std::string_view folder, const std::string& given);

}  // namespace satsuma::tools
