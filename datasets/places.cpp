#include "datasets/places.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>

#include "satsuma/core/error.hpp"

namespace satsuma::datasets {

namespace {

namespace fs = std::filesystem;

/// An environment variable that is set to something.
const char* variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

/// A directory that the user names is the only one: other data than were asked for would be worse than none.
std::vector<fs::path> places(std::string_view name, const Options& options) {
  if (!options.directory.empty()) return {options.directory, fs::path(options.directory) / name};
  std::vector<fs::path> result;
  if (const char* const root = variable("SATSUMA_DATA")) result.push_back(fs::path(root) / name);
  result.push_back(fs::path("/usr/share/datasets") / name);
  if (const char* const home = variable("HOME")) {
    result.push_back(fs::path(home) / ".cache" / "satsuma" / name);
  }
  result.push_back(fs::path("data") / name);
  return result;
}

fs::path own_place(std::string_view name) {
  if (const char* const root = variable("SATSUMA_DATA")) return fs::path(root) / name;
  if (const char* const home = variable("HOME")) return fs::path(home) / ".cache" / "satsuma" / name;
  return fs::path("data") / name;
}

fs::path find_place(std::string_view name, std::string_view folder, const Options& options,
                    const std::function<bool(const fs::path&)>& is_there) {
  for (const fs::path& place : places(name, options)) {
    if (is_there(place)) return place;
    if (is_there(place / folder)) return place / folder;
  }
  return {};
}

fs::path need_place(std::string_view name, std::string_view folder, std::string_view how_to_get,
                    const Options& options, const std::function<bool(const fs::path&)>& is_there) {
  fs::path found = find_place(name, folder, options, is_there);
  if (!found.empty()) return found;
  std::vector<std::string> looked;
  for (const fs::path& place : places(name, options)) looked.push_back(place.string());
  throw IoError(
      fmt::format("the files of data set '{}' were not found; looked in {}, and there for {}; to get "
                  "them: {}",
                  name, fmt::join(looked, ", "), folder, how_to_get));
}

}  // namespace satsuma::datasets
