#include "satsuma/data/class_folders.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <span>
#include <system_error>
#include <utility>

#include "satsuma/core/error.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::data {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostNamed = 10;

bool ends_in_one_of(std::string_view name, std::span<const std::string_view> suffixes) {
  std::string suffix = fs::path(name).extension().string();
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(suffixes.begin(), suffixes.end(), suffix) != suffixes.end();
}

bool is_unreadable_picture_name(std::string_view name) {
  constexpr std::array<std::string_view, 11> kSuffixes = {".webp", ".tif", ".tiff", ".heic", ".heif", ".avif",
                                                          ".jxl",  ".jp2", ".ppm",  ".pgm",  ".tga"};
  return ends_in_one_of(name, kSuffixes);
}

/// `a, b, c and 4 more`
std::string some_of(const std::vector<std::string>& names) {
  std::vector<std::string> first;
  for (const std::string& name : names) {
    if (first.size() == kMostNamed) break;
    first.push_back(shown(name));
  }
  const std::string more =
      names.size() > kMostNamed ? fmt::format(" and {} more", names.size() - kMostNamed) : "";
  return fmt::format("{}{}", fmt::join(first, ", "), more);
}

/// A directory, whatever path leads to it.
struct Identity {
  dev_t device;
  ino_t file;
  bool operator==(const Identity&) const = default;
};

class Walk {
 public:
  explicit Walk(const fs::path& root) : root_(root) {}

  /// What is in a directory: names, and whether each is a directory, in the order of bytes.
  std::vector<std::pair<std::string, bool>> entries(const fs::path& folder) const {
    std::vector<std::pair<std::string, bool>> result;
    std::error_code failure;
    fs::directory_iterator at(folder, failure);
    for (; !failure && at != fs::directory_iterator(); at.increment(failure)) {
      std::string name = at->path().filename().string();
      if (name.starts_with('.')) continue;
      std::error_code broken;
      const bool is_folder = at->is_directory(broken);
      if (!broken && !is_folder && at->is_symlink() && !at->exists(broken)) {
        broken = std::make_error_code(std::errc::no_such_file_or_directory);
      }
      if (broken == std::errc::too_many_symbolic_link_levels ||
          broken == std::errc::no_such_file_or_directory) {
        throw FormatError(fmt::format("{}: a symbolic link that leads nowhere; remove or mend it",
                                      shown_path(at->path().string())));
      }
      if (broken) refuse(at->path(), broken);
      result.emplace_back(std::move(name), is_folder);
    }
    if (failure) refuse(folder, failure);
    std::sort(result.begin(), result.end());
    return result;
  }

  /// Adds the pictures of a class. `relative` is the directory's path below the root.
  void add(const std::string& relative, std::int64_t label, ClassFolders& to) {
    const fs::path folder = root_ / relative;
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) refuse(folder, {errno, std::generic_category()});
    const Identity identity{status.st_dev, status.st_ino};
    if (std::find(above_.begin(), above_.end(), identity) != above_.end()) {
      throw FormatError(fmt::format("{}: a symbolic link that leads back to a directory above it; remove it",
                                    shown_path(folder.string())));
    }
    above_.push_back(identity);
    for (const auto& [name, is_folder] : entries(folder)) {
      const std::string path = relative + "/" + name;
      if (is_folder) {
        add(path, label, to);
      } else if (is_picture_name(name)) {
        to.files.push_back({path, label});
      } else if (is_unreadable_picture_name(name)) {
        throw FormatError(
            fmt::format("{}: pictures of this format are not read; convert them to JPEG or PNG, or "
                        "take them away",
                        shown_path((root_ / path).string())));
      } else {
        if (to.ignored++ == 0) to.an_ignored = (root_ / path).string();
      }
    }
    above_.pop_back();
  }

  [[noreturn]] static void refuse(const fs::path& path, const std::error_code& failure) {
    throw cannot_read(path, failure.message());
  }

 private:
  const fs::path& root_;
  std::vector<Identity> above_;
};

}  // namespace

bool is_picture_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> kSuffixes = {".jpg", ".jpeg", ".png", ".bmp", ".gif"};
  return ends_in_one_of(name, kSuffixes);
}

ClassFolders list_class_folders(const fs::path& folder) {
  const std::string name = shown_path(folder.string());
  ClassFolders result;
  Walk walk(folder);
  std::int64_t pictures = 0;
  for (const auto& [entry, is_folder] : walk.entries(folder)) {
    if (is_folder) result.class_names.push_back(entry);
    pictures += !is_folder && is_picture_name(entry);
  }
  if (result.class_names.empty()) {
    throw FormatError(fmt::format(
        "{}: {}, expected a directory for each class, {}/CLASS/*.jpg", name,
        pictures > 0 ? fmt::format("{} pictures, but no directories", pictures) : "no directories", name));
  }
  if (result.class_names.size() == 1) {
    throw FormatError(fmt::format("{}: one class only, '{}', expected at least two directories", name,
                                  shown(result.class_names.front())));
  }
  std::vector<std::string> empty;
  for (std::size_t i = 0; i < result.class_names.size(); ++i) {
    const std::size_t before = result.files.size();
    walk.add(result.class_names[i], static_cast<std::int64_t>(i), result);
    if (result.files.size() == before) empty.push_back(result.class_names[i]);
  }
  if (!empty.empty()) {
    throw FormatError(
        fmt::format("{}: no picture (.jpg, .jpeg, .png, .bmp, .gif) in {} of {} classes: {}; fill or "
                    "remove them",
                    name, empty.size(), result.class_names.size(), some_of(empty)));
  }
  return result;
}

void require_same_classes(const std::vector<std::string>& names, std::string_view part,
                          const std::vector<std::string>& other_names, std::string_view other_part) {
  if (names == other_names) return;
  std::vector<std::string> here;
  std::vector<std::string> there;
  std::set_difference(names.begin(), names.end(), other_names.begin(), other_names.end(),
                      std::back_inserter(here));
  std::set_difference(other_names.begin(), other_names.end(), names.begin(), names.end(),
                      std::back_inserter(there));
  std::string differences;
  if (!here.empty()) differences = fmt::format("only {} has {}", shown_path(part), some_of(here));
  if (!there.empty()) {
    differences +=
        fmt::format("{}only {} has {}", here.empty() ? "" : "; ", shown_path(other_part), some_of(there));
  }
  throw FormatError(fmt::format("the classes of {} and {} differ: {}", shown_path(part),
                                shown_path(other_part), differences));
}

}  // namespace satsuma::data
