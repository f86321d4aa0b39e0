#include "tools/satsuma/data_files.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

/// Folders that may hold what share/satsuma holds, the best first.
std::vector<fs::path> roots() {
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  std::vector<fs::path> all;
  if (!self.empty()) all.push_back(self.parent_path().parent_path() / "share" / "satsuma");
  all.emplace_back(SATSUMA_DATA_DIR);
  return all;
}

/// Where the source tree keeps what is installed as `name`; empty for a program that was not just built.
fs::path in_source(std::string_view name) {
  std::error_code ignored;
  const std::string self = fs::read_symlink("/proc/self/exe", ignored).string();
  if (!self.starts_with(SATSUMA_BUILD_DIR "/")) return {};
  const fs::path source = SATSUMA_SOURCE_DIR;
  if (name.starts_with("recipes")) return source / "models" / name;
  return name.starts_with("configs") ? source / name : source / "tools" / name;
}

std::vector<fs::path> candidates(std::string_view name) {
  std::vector<fs::path> all;
  if (const fs::path source = in_source(name); !source.empty()) all.push_back(source);
  for (const fs::path& root : roots()) all.push_back(root / name);
  return all;
}

}  // namespace

std::vector<std::string> shipped_names(std::string_view folder) {
  std::vector<std::string> names;
  for (const fs::path& place : candidates(folder)) {
    std::error_code none;
    for (const fs::directory_entry& file : fs::directory_iterator(place, none)) {
      if (file.path().extension() == ".toml") names.push_back(file.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

fs::path shipped_file(std::string_view name) {
  for (const fs::path& path : candidates(name)) {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) return path;
  }
  return {};
}

fs::path shipped_or_given(std::string_view folder, const std::string& given) {
  const fs::path path = given;
  std::error_code ignored;
  if (path.has_parent_path() || fs::exists(path, ignored)) return path;
  for (const char* const suffix : {"", ".toml"}) {
    const fs::path shipped = shipped_file((fs::path(folder) / (given + suffix)).string());
    if (!shipped.empty()) return shipped;
  }
  if (path.has_extension()) return path;  // whoever reads it says that it is not there
  const std::vector<std::string> names = shipped_names(folder);
  throw UsageError(unknown_name("--config", given, {names.begin(), names.end()}));
}

}  // namespace satsuma::tools
