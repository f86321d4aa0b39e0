#include "datasets/imagenet.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "datasets/folder.hpp"
#include "datasets/places.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/data/class_folders.hpp"
#include "satsuma/data/decode.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::datasets {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGetImageNet =
    "register at https://www.image-net.org, unpack ILSVRC2012 into train/WNID and val/WNID, and name the "
    "directory with --data-dir";
constexpr std::string_view kGetTiny =
    "satsuma datasets get tiny-imagenet and unzip what it fetched, or unzip tiny-imagenet-200.zip from "
    "http://cs231n.stanford.edu";
// The sum that loaders agree on; the publisher gives none.
constexpr std::array kTinyFiles = {
    Download{"http://cs231n.stanford.edu/tiny-imagenet-200.zip", "90528d7ca1a48142e341f4ef8d21d0de"}};

std::vector<data::PictureFile> read_annotations(const fs::path& path, const std::vector<std::string>& names) {
  std::vector<std::uint8_t> bytes;
  data::read_file(path, bytes);
  return parse_annotations({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(), names);
}

Entry entry_with(std::string_view name, std::int64_t side, std::int64_t classes) {
  Entry entry{};
  entry.name = name;
  entry.input = {3, side, side};
  entry.classes = classes;
  // Those of ImageNet that torchvision and timm use.
  entry.normalisation.mean = {0.485, 0.456, 0.406};
  entry.normalisation.std = {0.229, 0.224, 0.225};
  return entry;
}

bool is_imagenet(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "train", ignored) && fs::is_directory(folder / "val", ignored);
}

void require_classes(const Splits& splits, std::int64_t classes, const fs::path& folder) {
  if (splits.train->classes() == classes) return;
  throw FormatError(fmt::format("{}: {} classes, expected {}; other pictures are trained on with --data DIR",
                                shown_path(folder.string()), splits.train->classes(), classes));
}

}  // namespace

bool is_tiny_imagenet(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / "val" / "val_annotations.txt", ignored) &&
         fs::is_directory(folder / "train", ignored);
}

std::vector<data::PictureFile> parse_annotations(std::string_view text, std::string_view source,
                                                 const std::vector<std::string>& names) {
  std::vector<data::PictureFile> files;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto refuse = [&](const std::string& what) {
      throw FormatError(fmt::format("{}: line {}: {}", shown_path(source), number, what));
    };
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos || tab == 0) refuse("expected a file, a tab and a class");
    const std::string_view file = line.substr(0, tab);
    if (file.find('\0') != std::string_view::npos) refuse("a zero byte, expected text");
    const std::string_view name = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
    const auto at = std::lower_bound(names.begin(), names.end(), name);
    if (at == names.end() || *at != name)
      refuse(fmt::format("class '{}', which has no directory in train", shown(name)));
    files.push_back({fmt::format("images/{}", file), at - names.begin()});
  }
  if (files.empty()) throw FormatError(fmt::format("{}: no lines", shown_path(source)));
  return files;
}

Splits open_tiny_imagenet(const fs::path& folder, const Options& options) {
  const std::int64_t channels = options.input.rank() == 3 && options.input[0] == 1 ? 1 : 3;
  data::ClassFolders train = data::list_class_folders(folder / "train");
  std::vector<data::PictureFile> validation =
      read_annotations(folder / "val" / "val_annotations.txt", train.class_names);
  const Shape any_size{channels, 0, 0};
  Splits splits;
  splits.validation =
      std::make_shared<data::FileDataset>(folder / "val", std::move(validation), train.class_names, any_size);
  splits.train = std::make_shared<data::FileDataset>(folder / "train", std::move(train.files),
                                                     std::move(train.class_names), any_size);
  return splits;
}

Entry imagenet() {
  Entry entry = entry_with("imagenet", 224, 1000);
  entry.summary = "photographs of any size, 1000 classes (ILSVRC2012)";
  entry.train_count = 1'281'167;
  entry.test_count = 50'000;
  entry.how_to_get = kGetImageNet;
  entry.find = [](const Options& options) {
    return find_place("imagenet", "ILSVRC2012", options, is_imagenet).string();
  };
  entry.load = [](const Options& options) {
    const fs::path folder = need_place("imagenet", "ILSVRC2012", kGetImageNet, options, is_imagenet);
    Splits splits = open_folder(folder.string(), options);
    require_classes(splits, 1000, folder);
    return splits;
  };
  return entry;
}

Entry tiny_imagenet() {
  Entry entry = entry_with("tiny-imagenet", 64, 200);
  entry.summary = "photographs, 64x64 colour, 200 classes";
  entry.train_count = 100'000;
  entry.test_count = 10'000;
  entry.how_to_get = kGetTiny;
  entry.downloads = kTinyFiles;
  entry.find = [](const Options& options) {
    return find_place("tiny-imagenet", "tiny-imagenet-200", options, is_tiny_imagenet).string();
  };
  entry.load = [](const Options& options) {
    const fs::path folder =
        need_place("tiny-imagenet", "tiny-imagenet-200", kGetTiny, options, is_tiny_imagenet);
    Splits splits = open_tiny_imagenet(folder, options);
    require_classes(splits, 200, folder);
    return splits;
  };
  return entry;
}

}  // namespace satsuma::datasets
