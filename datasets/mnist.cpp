#include "datasets/mnist.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "datasets/places.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/data/idx.hpp"
#include "satsuma/data/memory_dataset.hpp"

namespace satsuma::datasets {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSide = 28;
constexpr std::int64_t kClasses = 10;

/// The four files; each may have `.gz` added to its name, and a dot before `idx`.
constexpr std::array<std::string_view, 4> kFiles = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                                    "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
using Paths = std::array<fs::path, kFiles.size()>;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// `train-images-idx3-ubyte` as Yann LeCun's page has it, or `train-images.idx3-ubyte` as others pass it on.
std::optional<fs::path> find_file(const fs::path& directory, const std::string& name) {
  std::string dotted = name;
  dotted[dotted.find("-idx")] = '.';
  for (const std::string& stem : {name, dotted}) {
    for (const char* const suffix : {"", ".gz"}) {
      if (is_there(directory / (stem + suffix))) return directory / (stem + suffix);
    }
  }
  return std::nullopt;
}

/// The four files in `directory`, or what is missing there, in words.
std::pair<std::optional<Paths>, std::string> look_in(const fs::path& directory) {
  if (!is_there(directory)) return {std::nullopt, "no such directory"};
  Paths paths;
  std::vector<std::string_view> missing;
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    const auto found = find_file(directory, std::string(kFiles[i]));
    if (!found) missing.push_back(kFiles[i]);
    paths[i] = found.value_or(fs::path());
  }
  if (missing.empty()) return {paths, ""};
  return {std::nullopt, fmt::format("lacks {}", fmt::join(missing, ", "))};
}

std::string find_files(std::string_view name, const Options& options) {
  for (const auto& place : places(name, options)) {
    if (look_in(place).first) return place.string();
  }
  return "";
}

Paths need_files(std::string_view name, std::string_view how_to_get, const Options& options) {
  std::vector<std::string> looked;
  for (const auto& place : places(name, options)) {
    auto [paths, missing] = look_in(place);
    if (paths) return *paths;
    looked.push_back(fmt::format("{} ({})", place.string(), missing));
  }
  throw IoError(fmt::format(
      "the files of data set '{}' were not found, with or without .gz; looked in {}; to get them: {}", name,
      fmt::join(looked, ", "), how_to_get));
}

std::shared_ptr<const data::Dataset> read_split(const fs::path& images_path, const fs::path& labels_path) {
  data::IdxArray images = data::read_idx(images_path, 3);
  const Shape& shape = images.shape;
  if (shape[1] != kSide || shape[2] != kSide) {
    throw FormatError(fmt::format("{}: offset 8: images of {}x{} pixels, expected {}x{}",
                                  images_path.string(), shape[1], shape[2], kSide, kSide));
  }
  if (shape[0] == 0) throw FormatError(fmt::format("{}: offset 4: no images", images_path.string()));
  const data::IdxArray labels = data::read_idx(labels_path, 1);
  if (labels.shape[0] != shape[0]) {
    throw FormatError(fmt::format("{}: offset 4: {} labels, expected {}, as many as there are images in {}",
                                  labels_path.string(), labels.shape[0], shape[0], images_path.string()));
  }
  for (std::size_t i = 0; i < labels.values.size(); ++i) {
    if (labels.values[i] >= kClasses) {
      throw FormatError(fmt::format("{}: offset {}: label {}, expected 0 to {}", labels_path.string(),
                                    static_cast<std::size_t>(labels.header_bytes()) + i, labels.values[i],
                                    kClasses - 1));
    }
  }
  return std::make_shared<data::MemoryDataset>(
      Shape{1, kSide, kSide}, kClasses, std::move(images.values),
      std::vector<std::int64_t>(labels.values.begin(), labels.values.end()));
}

Splits read_splits(const Paths& paths) {
  Splits splits;
  splits.train = read_split(paths[0], paths[1]);
  splits.test = read_split(paths[2], paths[3]);
  return splits;
}

Entry entry_like_mnist() {
  Entry entry{};
  entry.input = {1, 32, 32};
  entry.classes = kClasses;
  entry.normalisation.pad = 2;
  entry.train_count = 60'000;
  entry.test_count = 10'000;
  return entry;
}

}  // namespace

// Sums are those of https://github.com/pytorch/vision/blob/main/torchvision/datasets/mnist.py.
namespace {

constexpr std::string_view kGetMnist =
    "satsuma datasets get mnist, or put the four .gz files of https://ossci-datasets.s3.amazonaws.com/mnist/ "
    "into one of these directories, or name another with --data-dir";
constexpr std::array kMnistFiles = {
    Download{"https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
             "f68b3c2dcbeaaa9fbdd348bbdeb94873"},
    Download{"https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
             "d53e105ee54ea40749a09fcbcd1e9432"},
    Download{"https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
             "9fb629c4189551a2d022fa330f9573f3"},
    Download{"https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
             "ec29112dd5afa0611ce80d1b7f02629c"}};
constexpr std::string_view kGetFashionMnist =
    "apt-get install dataset-fashion-mnist (Debian, Ubuntu), or satsuma datasets get fashion-mnist, or put "
    "the "
    "four .gz files of https://github.com/zalandoresearch/fashion-mnist into a directory and name it with "
    "--data-dir";
constexpr std::array kFashionMnistFiles = {
    Download{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
             "8d4fb7e6c68d591d4c3dfef9ec88bf0d"},
    Download{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
             "25c81989df183df01b3e8a0aad5dffbe"},
    Download{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
             "bef4ecab320f06d8554ea6380940ec79"},
    Download{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
             "bb300cfdad3c16e7a12a480ee83cd310"}};

}  // namespace

// Mean and standard deviation are those of the 60,000 training images before padding.

Entry mnist() {
  Entry entry = entry_like_mnist();
  entry.name = "mnist";
  entry.summary = "handwritten digits, 28x28 grey, 10 classes";
  entry.normalisation.mean = {0.1307};
  entry.normalisation.std = {0.3081};
  entry.find = [](const Options& options) { return find_files("mnist", options); };
  entry.load = [](const Options& options) { return read_splits(need_files("mnist", kGetMnist, options)); };
  entry.how_to_get = kGetMnist;
  entry.downloads = kMnistFiles;
  return entry;
}

Entry fashion_mnist() {
  Entry entry = entry_like_mnist();
  entry.name = "fashion-mnist";
  entry.summary = "articles of clothing, 28x28 grey, 10 classes";
  entry.normalisation.mean = {0.2860};
  entry.normalisation.std = {0.3530};
  entry.find = [](const Options& options) { return find_files("fashion-mnist", options); };
  entry.load = [](const Options& options) {
    return read_splits(need_files("fashion-mnist", kGetFashionMnist, options));
  };
  entry.how_to_get = kGetFashionMnist;
  entry.downloads = kFashionMnistFiles;
  return entry;
}

}  // namespace satsuma::datasets
