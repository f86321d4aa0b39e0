#include "datasets/folder.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "datasets/imagenet.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/data/class_folders.hpp"
#include "satsuma/data/csv.hpp"
#include "satsuma/data/packed.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/message.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::datasets {

namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool has_folders(const fs::path& path) {
  std::error_code failure;
  for (fs::directory_iterator at(path, failure); !failure && at != fs::directory_iterator();
       at.increment(failure)) {
    if (is_folder(at->path()) && !at->path().filename().string().starts_with('.')) return true;
  }
  return false;
}

/// A part of a data set, listed.
struct Part {
  fs::path path;  ///< what messages call it
  fs::path root;  ///< what paths begin at
  data::ClassFolders list;
};

Part folder_part(const fs::path& path) {
  Part part{path, path, data::list_class_folders(path)};
  if (part.list.ignored > 0) {
    say("{}: what is no picture by its name was left out: {} in all, such as {}", shown_path(path.string()),
        part.list.ignored, shown_path(part.list.an_ignored));
  }
  return part;
}

Part csv_part(const fs::path& path) {
  return {path, path.parent_path(), data::read_picture_list(path)};
}

bool is_zip(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, 4> magic{};
  return is_file(path) && file.read(magic.data(), magic.size()) &&
         std::string_view(magic.data(), 4) == "PK\3\4";
}

/// The one of `names` (with `suffix`) that is in `path`; empty where there is none.
fs::path choose(const fs::path& path, std::initializer_list<const char*> names, const char* suffix,
                bool (*is_there)(const fs::path&)) {
  fs::path chosen;
  for (const char* const name : names) {
    const fs::path candidate = path / (std::string(name) + suffix);
    if (!is_there(candidate)) continue;
    if (!chosen.empty()) {
      throw FormatError(fmt::format("{}: both '{}' and '{}', expected one of them", shown_path(path.string()),
                                    chosen.filename().string(), name));
    }
    chosen = candidate;
  }
  return chosen;
}

/// Numbers may run on in the training part where another happens to lack the last classes.
void require_same_classes(const Part& train, Part& other) {
  auto& names = other.list.class_names;
  const auto& all = train.list.class_names;
  const bool numbered = train.path.extension() == ".csv" && all.front() == "0" && names.front() == "0";
  if (numbered && names.size() < all.size() && std::equal(names.begin(), names.end(), all.begin()))
    names = all;
  data::require_same_classes(all, train.path.string(), names, other.path.string());
}

std::shared_ptr<const data::Dataset> dataset(Part part, const Options& options) {
  const std::int64_t channels = options.input.rank() == 3 && options.input[0] == 1 ? 1 : 3;
  return std::make_shared<data::FileDataset>(std::move(part.root), std::move(part.list.files),
                                             std::move(part.list.class_names), Shape{channels, 0, 0});
}

/// `list` makes a part of each path; an empty path is a part that is not there.
Splits open_parts(const fs::path& train, const fs::path& validation, const fs::path& test,
                  Part (*list)(const fs::path&), const Options& options) {
  Part first = list(train);
  Splits splits;
  for (const auto& [path, split] :
       {std::pair(&validation, &splits.validation), std::pair(&test, &splits.test)}) {
    if (path->empty()) continue;
    Part part = list(*path);
    require_same_classes(first, part);
    *split = dataset(std::move(part), options);
  }
  splits.train = dataset(std::move(first), options);
  return splits;
}

}  // namespace

Splits open_folder(const std::string& path_text, const Options& options) {
  const fs::path path = path_text;
  if (data::is_packed(path)) {
    const std::int64_t channels = options.input.rank() == 3 && options.input[0] == 1 ? 1 : 3;
    data::PackedParts parts = data::open_packed(path, channels);
    return {std::move(parts.train), std::move(parts.validation), std::move(parts.test)};
  }
  if (is_zip(path)) {
    throw FormatError(fmt::format(
        "'{0}' is a ZIP archive, expected a folder of pictures, a list or a packed file; unpack it "
        "first: unzip -q '{0}' -d pictures",
        shown_path(path_text)));
  }
  if (is_file(path)) return open_parts(path, {}, {}, csv_part, options);
  if (!is_folder(path)) {
    std::error_code failure;
    const bool there = fs::exists(path, failure);
    const std::string why = there     ? "neither a directory nor a file"
                            : failure ? failure.message()
                                      : "no such file or directory";
    throw cannot_read(path, why);
  }
  if (is_tiny_imagenet(path)) return open_tiny_imagenet(path, options);
  if (const fs::path train = path / "train.csv"; is_file(train)) {
    return open_parts(train, choose(path, {"val", "valid", "validation"}, ".csv", is_file),
                      choose(path, {"test"}, ".csv", is_file), csv_part, options);
  }
  const fs::path validation = choose(path, {"val", "valid", "validation"}, "", is_folder);
  if (const fs::path train = path / "train"; has_folders(train)) {
    fs::path test = choose(path, {"test"}, "", is_folder);
    if (!test.empty() && !has_folders(test)) {
      say("{}: no directory for each class, so no labels; it is left out", shown_path(test.string()));
      test.clear();
    }
    return open_parts(train, validation, test, folder_part, options);
  }
  if (!validation.empty() && has_folders(validation)) {
    throw FormatError(fmt::format("{}: '{}' but no 'train' with a directory for each class",
                                  shown_path(path_text), validation.filename().string()));
  }
  return open_parts(path, {}, {}, folder_part, options);
}

}  // namespace satsuma::datasets
