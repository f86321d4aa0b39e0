#include "datasets/debian_pictures.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "satsuma/data/class_folders.hpp"
#include "satsuma/data/decode.hpp"
#include "satsuma/data/file_dataset.hpp"
#include "src/core/cannot_read.hpp"

namespace satsuma::datasets {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 8> kIconClasses = {"actions", "apps",      "categories", "devices",
                                                          "emblems", "mimetypes", "places",     "status"};
constexpr std::array<std::string_view, 10> kStampClasses = {
    "animals", "clothes", "food", "hobbies", "household", "plants", "seasonal", "space", "town", "vehicles"};

constexpr std::string_view kGetIcons =
    "apt-get install oxygen-icon-theme gnome-icon-theme faenza-icon-theme (Debian, Ubuntu); --data-dir names "
    "another directory than /usr/share/icons";
constexpr std::string_view kGetStamps =
    "apt-get install tuxpaint-stamps-default (Debian, Ubuntu); --data-dir names another directory than "
    "/usr/share/tuxpaint/stamps";

/// FNV-1a: what a picture is drawn by has to be the same everywhere and always.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325U;
  for (const char c : text) value = (value ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return value;
}

/// One in five. High bits: the low ones of FNV-1a are close to a sum's.
bool is_test(std::uint64_t value) {
  return (value >> 32U) % 5 == 0;
}

fs::path root_of(const Options& options, const char* usual) {
  return options.directory.empty() ? fs::path(usual) : fs::path(options.directory);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

[[noreturn]] void not_found(std::string_view name, const std::vector<std::string>& missing,
                            std::string_view how_to_get) {
  throw IoError(fmt::format("the files of data set '{}' were not found: no directory {}; to get them: {}",
                            name, fmt::join(missing, ", "), how_to_get));
}

// Below /usr/share/icons; {} is the class.
constexpr std::array<const char*, 3> kThemes = {"oxygen/base/32x32/{}", "gnome/32x32/{}", "Faenza/{}/32"};

std::string theme_folder(std::size_t theme, std::string_view class_name) {
  return fmt::format(fmt::runtime(kThemes[theme]), class_name);
}

std::vector<std::string> missing_themes(const fs::path& root) {
  std::vector<std::string> missing;
  for (std::size_t theme = 0; theme < kThemes.size(); ++theme) {
    const fs::path folder = root / theme_folder(theme, kIconClasses.front());
    if (!is_folder(folder)) missing.push_back(folder.string());
  }
  return missing;
}

/// The PNG files of a folder that are no links, in the order of bytes.
std::vector<std::string> pictures_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code failure;
  for (fs::directory_iterator at(folder, failure); !failure && at != fs::directory_iterator();
       at.increment(failure)) {
    if (at->path().extension() == ".png" && !at->is_symlink())
      names.push_back(at->path().filename().string());
  }
  if (failure) throw cannot_read(folder, failure.message());
  std::sort(names.begin(), names.end());
  return names;
}

/// True for the header of a PNG of 32x32 pixels.
bool is_icon(const std::vector<std::uint8_t>& bytes) {
  constexpr std::array<std::uint8_t, 8> kSize = {0, 0, 0, 32, 0, 0, 0, 32};
  return bytes.size() > 24 && std::equal(kSize.begin(), kSize.end(), bytes.begin() + 16);
}

/// Each picture that was not met before, by theme.
template <typename Add>
void for_each_icon(const fs::path& root, const Add& add) {
  std::unordered_set<std::string> met;
  std::vector<std::uint8_t> bytes;
  for (std::size_t theme = 0; theme < kThemes.size(); ++theme) {
    for (std::size_t label = 0; label < kIconClasses.size(); ++label) {
      const std::string folder = theme_folder(theme, kIconClasses[label]);
      for (const std::string& name : pictures_in(root / folder)) {
        data::read_file(root / folder / name, bytes);
        std::string content(bytes.begin(), bytes.end());
        if (!is_icon(bytes)) continue;
        const std::uint64_t drawn_by = hash(content);
        if (!met.insert(std::move(content)).second) continue;
        add(theme, data::PictureFile{folder + "/" + name, static_cast<std::int64_t>(label)}, drawn_by);
      }
    }
  }
}

template <typename Names>
Splits splits_of(const fs::path& root, std::vector<data::PictureFile> train,
                 std::vector<data::PictureFile> test, const Names& names, const Shape& shape) {
  const std::vector<std::string> class_names(names.begin(), names.end());
  Splits splits;
  splits.train = std::make_shared<data::FileDataset>(root, std::move(train), class_names, shape);
  splits.test = std::make_shared<data::FileDataset>(root, std::move(test), class_names, shape);
  return splits;
}

std::string find_icons(const Options& options) {
  const fs::path root = root_of(options, "/usr/share/icons");
  return missing_themes(root).empty() ? root.string() : "";
}

Splits load_icons(const Options& options, std::string_view name, bool by_theme) {
  const fs::path root = root_of(options, "/usr/share/icons");
  if (const auto missing = missing_themes(root); !missing.empty()) not_found(name, missing, kGetIcons);
  std::vector<data::PictureFile> train;
  std::vector<data::PictureFile> test;
  for_each_icon(root, [&](std::size_t theme, data::PictureFile file, std::uint64_t drawn_by) {
    const bool for_test = by_theme ? theme + 1 == kThemes.size() : is_test(drawn_by);
    (for_test ? test : train).push_back(std::move(file));
  });
  return splits_of(root, std::move(train), std::move(test), kIconClasses, {3, 32, 32});
}

std::string find_stamps(const Options& options) {
  const fs::path root = root_of(options, "/usr/share/tuxpaint/stamps");
  return is_folder(root / kStampClasses.front()) ? root.string() : "";
}

Splits load_stamps(const Options& options) {
  const fs::path root = root_of(options, "/usr/share/tuxpaint/stamps");
  if (find_stamps(options).empty()) {
    not_found("tuxpaint-stamps", {(root / kStampClasses.front()).string()}, kGetStamps);
  }
  const data::ClassFolders all = data::list_class_folders(root);
  std::vector<data::PictureFile> train;
  std::vector<data::PictureFile> test;
  for (const data::PictureFile& file : all.files) {
    const std::string& folder = all.class_names[static_cast<std::size_t>(file.label)];
    const auto at = std::find(kStampClasses.begin(), kStampClasses.end(), folder);
    if (at == kStampClasses.end()) continue;
    (is_test(hash(file.path)) ? test : train).push_back({file.path, at - kStampClasses.begin()});
  }
  return splits_of(root, std::move(train), std::move(test), kStampClasses, {3, 0, 0});
}

}  // namespace

// Counts are those of Debian 12. Mean and standard deviation are those of all pictures, blended on white.

Entry icons() {
  Entry entry{};
  entry.name = "icons";
  entry.summary = "icons of Debian's themes, 32x32 colour, 8 classes; tested on another theme";
  entry.input = {3, 32, 32};
  entry.classes = kIconClasses.size();
  entry.normalisation.mean = {0.781, 0.778, 0.761};
  entry.normalisation.std = {0.266, 0.256, 0.288};
  entry.train_count = 1'528;
  entry.test_count = 691;
  entry.find = find_icons;
  entry.load = [](const Options& options) { return load_icons(options, "icons", true); };
  entry.how_to_get = kGetIcons;
  return entry;
}

Entry icons_split() {
  Entry entry = icons();
  entry.name = "icons-split";
  entry.summary = "icons of Debian's themes, 32x32 colour, 8 classes; tested on a fifth of all";
  entry.train_count = 1'767;
  entry.test_count = 452;
  entry.load = [](const Options& options) { return load_icons(options, "icons-split", false); };
  return entry;
}

Entry tuxpaint_stamps() {
  Entry entry{};
  entry.name = "tuxpaint-stamps";
  entry.summary = "photographs and drawings of any size, 10 classes, of a Debian package";
  entry.input = {3, 64, 64};
  entry.classes = kStampClasses.size();
  entry.normalisation.mean = {0.762, 0.716, 0.674};
  entry.normalisation.std = {0.311, 0.335, 0.372};
  entry.train_count = 397;
  entry.test_count = 117;
  entry.find = find_stamps;
  entry.load = load_stamps;
  entry.how_to_get = kGetStamps;
  return entry;
}

}  // namespace satsuma::datasets
