#include "datasets/cifar.hpp"

#include <fmt/core.h>

#include <array>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "datasets/places.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/data/cifar.hpp"
#include "satsuma/data/decode.hpp"
#include "satsuma/data/memory_dataset.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::datasets {

namespace {

namespace fs = std::filesystem;

/// One of the two data sets, as its archive unpacks.
struct Kind {
  std::string_view name;
  std::string_view folder;
  std::vector<std::string> train;
  std::string test;
  std::string names;  ///< a line for each class
  std::int64_t label_bytes;
  std::int64_t classes;
  std::string_view how_to_get;
};

const Kind& ten() {
  static const Kind kind{
      "cifar10",
      "cifar-10-batches-bin",
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      "test_batch.bin",
      "batches.meta.txt",
      1,
      10,
      "satsuma datasets get cifar10, or unpack cifar-10-binary.tar.gz from "
      "https://www.cs.toronto.edu/~kriz/cifar.html"};
  return kind;
}

const Kind& hundred() {
  static const Kind kind{"cifar100",
                         "cifar-100-binary",
                         {"train.bin"},
                         "test.bin",
                         "fine_label_names.txt",
                         2,
                         100,
                         "satsuma datasets get cifar100, or unpack cifar-100-binary.tar.gz from "
                         "https://www.cs.toronto.edu/~kriz/cifar.html"};
  return kind;
}

bool is_there(const Kind& kind, const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / kind.test, ignored) && fs::exists(folder / kind.train.front(), ignored);
}

/// The names that lie beside the data; none where there is no such file.
std::vector<std::string> class_names(const Kind& kind, const fs::path& folder) {
  const fs::path path = folder / kind.names;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return {};
  std::vector<std::uint8_t> bytes;
  data::read_file(path, bytes);
  std::vector<std::string> names(1);
  for (const std::uint8_t byte : bytes) {
    if (byte == '\n' && !names.back().empty()) names.emplace_back();
    if (byte != '\n' && byte != '\r') names.back() += static_cast<char>(byte);
  }
  if (names.back().empty()) names.pop_back();
  if (static_cast<std::int64_t>(names.size()) != kind.classes) {
    throw FormatError(
        fmt::format("{}: {} names, expected {}", shown_path(path.string()), names.size(), kind.classes));
  }
  return names;
}

Splits load(const Kind& kind, const Options& options) {
  const fs::path folder = need_place(kind.name, kind.folder, kind.how_to_get, options,
                                     [&](const fs::path& place) { return is_there(kind, place); });
  const std::vector<std::string> names = class_names(kind, folder);
  const auto read = [&](const std::vector<std::string>& files) {
    data::CifarArray array;
    for (const std::string& file : files)
      data::read_cifar(folder / file, kind.label_bytes, kind.classes, array);
    return std::make_shared<data::MemoryDataset>(Shape{3, 32, 32}, kind.classes, std::move(array.images),
                                                 std::move(array.labels), names);
  };
  Splits splits;
  splits.train = read(kind.train);
  splits.test = read({kind.test});
  return splits;
}

std::string find(const Kind& kind, const Options& options) {
  return find_place(kind.name, kind.folder, options,
                    [&](const fs::path& place) { return is_there(kind, place); })
      .string();
}

Entry entry_of(const Kind& kind) {
  Entry entry{};
  entry.name = kind.name;
  entry.input = {3, 32, 32};
  entry.classes = kind.classes;
  entry.train_count = 50'000;
  entry.test_count = 10'000;
  entry.how_to_get = kind.how_to_get;
  return entry;
}

// Sums are those of the page.
constexpr std::array kTenFiles = {
    Download{"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"}};
constexpr std::array kHundredFiles = {
    Download{"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"}};

}  // namespace

// Mean and standard deviation are those of the 50,000 training images.

Entry cifar10() {
  Entry entry = entry_of(ten());
  entry.summary = "photographs, 32x32 colour, 10 classes";
  entry.normalisation.mean = {0.4914, 0.4822, 0.4465};
  entry.normalisation.std = {0.2470, 0.2435, 0.2616};
  entry.find = [](const Options& options) { return find(ten(), options); };
  entry.load = [](const Options& options) { return load(ten(), options); };
  entry.downloads = kTenFiles;
  return entry;
}

Entry cifar100() {
  Entry entry = entry_of(hundred());
  entry.summary = "photographs, 32x32 colour, 100 classes";
  entry.normalisation.mean = {0.5071, 0.4865, 0.4409};
  entry.normalisation.std = {0.2673, 0.2564, 0.2762};
  entry.find = [](const Options& options) { return find(hundred(), options); };
  entry.load = [](const Options& options) { return load(hundred(), options); };
  entry.downloads = kHundredFiles;
  return entry;
}

}  // namespace satsuma::datasets
