#include <doctest/doctest.h>
#include <stdlib.h>

#include <array>
#include <cmath>
#include <optional>
#include <set>

#include "datasets/registry.hpp"
#include "satsuma/data/loader.hpp"
#include "support.hpp"

using namespace satsuma;
using namespace satsuma::data_tests;

namespace {

/// Sets an environment variable for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* const old = getenv(name)) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (old_) {
      setenv(name_, old_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

constexpr std::size_t kPixels = 28 * 28;

/// A small data set in the format of MNIST, half of it packed.
void write_mnist(const TempDir& dir, std::uint32_t train, std::uint32_t test) {
  Bytes labels(train + test);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i * 7 % 10);
  const auto middle = labels.begin() + train;
  dir.write("train-images-idx3-ubyte", idx_bytes({train, 28, 28}, pattern(train * kPixels)));
  dir.write("train-labels-idx1-ubyte", idx_bytes({train}, Bytes(labels.begin(), middle)));
  dir.write("t10k-images-idx3-ubyte.gz", gzip(idx_bytes({test, 28, 28}, pattern(test * kPixels, 1))));
  dir.write("t10k-labels-idx1-ubyte.gz", gzip(idx_bytes({test}, Bytes(middle, labels.end()))));
}

/// Gives the four files the names that other pages use.
void rename_with_dots(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files(std::filesystem::directory_iterator(directory), {});
  for (const std::filesystem::path& file : files) {
    std::string name = file.filename().string();
    name[name.find("-idx")] = '.';
    std::filesystem::rename(file, directory / name);
  }
}

datasets::Options in(const std::filesystem::path& directory) {
  datasets::Options options;
  options.directory = directory.string();
  return options;
}

std::vector<std::uint8_t> image_of(const data::Dataset& dataset, std::int64_t index) {
  return planes_of(dataset, index);
}

struct Moments {
  double mean = 0;
  double std = 0;
};

Moments moments_of(const data::Dataset& dataset, std::int64_t count) {
  std::array<std::uint64_t, 256> histogram{};
  for (std::int64_t i = 0; i < count; ++i) {
    for (const std::uint8_t byte : image_of(dataset, i)) ++histogram[byte];
  }
  double total = 0;
  double sum = 0;
  double squares = 0;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const auto times = static_cast<double>(histogram[byte]);
    const double value = static_cast<double>(byte) / 255;
    total += times;
    sum += times * value;
    squares += times * value * value;
  }
  const double mean = sum / total;
  return {mean, std::sqrt(squares / total - mean * mean)};
}

}  // namespace

TEST_CASE("data sets are known by name") {
  std::set<std::string_view> names;
  for (const auto& entry : datasets::entries()) {
    names.insert(entry.name);
    CHECK(&datasets::find(entry.name) == &entry);
    CHECK(entry.input.rank() == 3);
    CHECK(static_cast<std::int64_t>(entry.normalisation.mean.size()) == entry.input[0]);
    CHECK(static_cast<std::int64_t>(entry.normalisation.std.size()) == entry.input[0]);
    CHECK_FALSE(entry.summary.empty());
  }
  CHECK(names == std::set<std::string_view>{"cifar10", "cifar100", "fashion-mnist", "icons", "icons-split",
                                            "imagenet", "mnist", "synthetic", "tiny-imagenet",
                                            "tuxpaint-stamps"});
  const std::string message = message_of<UsageError>([] { datasets::find("fashon-mnist"); });
  CHECK(contains(message, "unknown data set 'fashon-mnist'; did you mean 'fashion-mnist'?"));
}

TEST_CASE("mnist is read from a directory, packed or not") {
  const TempDir dir;
  write_mnist(dir, 12, 5);
  const auto& entry = datasets::find("mnist");
  CHECK(entry.find(in(dir.path())) == dir.path().string());
  const datasets::Splits splits = entry.load(in(dir.path()));
  REQUIRE(splits.train->size() == 12);
  REQUIRE(splits.test->size() == 5);
  CHECK(splits.train->image_shape() == Shape{1, 28, 28});
  CHECK(splits.train->classes() == 10);
  for (std::int64_t i = 0; i < 12; ++i) CHECK(splits.train->label(i) == i * 7 % 10);
  for (std::int64_t i = 0; i < 5; ++i) CHECK(splits.test->label(i) == (i + 12) * 7 % 10);
  const Bytes all = pattern(12 * kPixels);
  CHECK(image_of(*splits.train, 11) == Bytes(all.end() - kPixels, all.end()));

  // Padded to 32x32, and normalised by the entry's own constants.
  data::LoaderOptions options;
  options.batch_size = 5;
  options.shuffle = false;
  data::Loader loader(splits.test, entry.normalisation, options);
  loader.start(0);
  data::Batch batch;
  REQUIRE(loader.next(batch));
  REQUIRE(batch.images.shape() == Shape{5, 1, 32, 32});
  const float* const pixels = batch.images.data<float>();
  const auto black = static_cast<float>((0 - 0.1307) / 0.3081);
  for (const std::int64_t edge : {0, 1, 30, 31}) {
    CHECK(pixels[batch.images.offset({4, 0, edge, 16})] == black);
    CHECK(pixels[batch.images.offset({4, 0, 16, edge})] == black);
  }
  const Bytes third = image_of(*splits.test, 3);
  CHECK(pixels[batch.images.offset({3, 0, 2 + 9, 2 + 20})] ==
        static_cast<float>((third[9 * 28 + 20] / 255.0 - 0.1307) / 0.3081));
}

TEST_CASE("mnist's files may have a dot in their names") {
  const TempDir dir;
  write_mnist(dir, 12, 5);
  rename_with_dots(dir.path());
  const datasets::Splits splits = datasets::find("mnist").load(in(dir.path()));
  CHECK(splits.train->size() == 12);
  CHECK(splits.test->size() == 5);
}

TEST_CASE("missing files: where it looked, what is missing, how to get them") {
  const TempDir dir;
  const auto& entry = datasets::find("fashion-mnist");
  const auto message = [&](const datasets::Options& options) {
    CHECK(entry.find(options).empty());
    return message_of<IoError>([&] { entry.load(options); });
  };
  const std::string none = message(in(dir.path() / "nowhere"));
  CHECK(contains(none, (dir.path() / "nowhere").string() + " (no such directory)"));
  CHECK(contains(none, "apt-get install dataset-fashion-mnist"));
  CHECK_FALSE(contains(none, "/usr/share"));  // a directory that was named is the only one
  CHECK_FALSE(contains(none, "\n"));
  write_mnist(dir, 2, 2);
  std::filesystem::remove(dir.path() / "t10k-labels-idx1-ubyte.gz");
  CHECK(contains(message(in(dir.path())), "lacks t10k-labels-idx1-ubyte"));
}

TEST_CASE("files are looked for in the usual places") {
  const TempDir root;
  const TempDir home;
  const Environment data_root("SATSUMA_DATA", root.path().string());
  const Environment home_directory("HOME", home.path().string());
  const auto& entry = datasets::find("mnist");
  const TempDir source;
  write_mnist(source, 3, 2);
  const auto install = [&](const std::filesystem::path& place) {
    std::filesystem::create_directories(place.parent_path());
    std::filesystem::copy(source.path(), place, std::filesystem::copy_options::recursive);
  };
  if (!entry.find({}).empty()) {
    MESSAGE("MNIST is installed at " << entry.find({}) << ": the case of a missing one is left out");
  } else {
    const std::string message = message_of<IoError>([&] { entry.load({}); });
    CHECK(contains(message, (root.path() / "mnist").string()));
    CHECK(contains(message, (home.path() / ".cache/satsuma/mnist").string()));
    CHECK(contains(message, "/usr/share/datasets/mnist"));
    install(home.path() / ".cache/satsuma/mnist");
    CHECK(entry.find({}) == (home.path() / ".cache/satsuma/mnist").string());
  }
  install(root.path() / "mnist");
  CHECK(entry.find({}) == (root.path() / "mnist").string());
  CHECK(entry.load({}).train->size() == 3);
  // --data-dir may name the directory above.
  CHECK(entry.find(in(root.path())) == (root.path() / "mnist").string());
}

TEST_CASE("files of a data set that do not fit each other are refused") {
  const TempDir dir;
  const auto refusal = [&] {
    return message_of<FormatError>([&] { datasets::find("mnist").load(in(dir.path())); });
  };
  write_mnist(dir, 4, 2);
  CHECK(refusal().empty());
  SUBCASE("fewer labels than images") {
    dir.write("train-labels-idx1-ubyte", idx_bytes({3}, {0, 1, 2}));
    CHECK(contains(refusal(), "train-labels-idx1-ubyte: offset 4: 3 labels, expected 4"));
  }
  SUBCASE("a label out of range") {
    dir.write("train-labels-idx1-ubyte", idx_bytes({4}, {0, 9, 10, 2}));
    CHECK(contains(refusal(), "train-labels-idx1-ubyte: offset 10: label 10, expected 0 to 9"));
  }
  SUBCASE("images of another size") {
    dir.write("train-images-idx3-ubyte", idx_bytes({4, 28, 27}, pattern(4 * 28 * 27)));
    CHECK(contains(refusal(), "images of 28x27 pixels, expected 28x28"));
  }
  SUBCASE("no images") {
    dir.write("train-images-idx3-ubyte", idx_bytes({0, 28, 28}, {}));
    CHECK(contains(refusal(), "no images"));
  }
  SUBCASE("images and labels swapped") {
    std::filesystem::copy_file(dir.path() / "train-images-idx3-ubyte", dir.path() / "train-labels-idx1-ubyte",
                               std::filesystem::copy_options::overwrite_existing);
    CHECK(contains(refusal(), "rank 3, expected 1"));
  }
  SUBCASE("a packed file cut off") {
    Bytes packed = gzip(idx_bytes({2, 28, 28}, pattern(2 * kPixels)));
    packed.resize(packed.size() / 2);
    dir.write("t10k-images-idx3-ubyte.gz", packed);
    CHECK(contains(refusal(), "t10k-images-idx3-ubyte.gz: offset"));
  }
}

TEST_CASE("Fashion-MNIST as published") {
  const auto& entry = datasets::find("fashion-mnist");
  if (entry.find({}).empty()) {
    MESSAGE("the files of Fashion-MNIST are not installed: left out");
    return;
  }
  const datasets::Splits splits = entry.load({});
  CHECK(splits.train->size() == entry.train_count);
  CHECK(splits.test->size() == entry.test_count);
  const std::array<std::int64_t, 5> first = {9, 0, 0, 3, 0};
  for (std::size_t i = 0; i < first.size(); ++i)
    CHECK(splits.train->label(static_cast<std::int64_t>(i)) == first[i]);
  std::array<int, 10> counts{};
  for (std::int64_t i = 0; i < splits.train->size(); ++i)
    ++counts[static_cast<std::size_t>(splits.train->label(i))];
  for (const int count : counts) CHECK(count == 6000);
  const Moments moments = moments_of(*splits.train, splits.train->size());
  CHECK(std::abs(moments.mean - entry.normalisation.mean[0]) < 0.00006);
  CHECK(std::abs(moments.std - entry.normalisation.std[0]) < 0.00006);
}

TEST_CASE("synthetic data depend on seed, split and index alone") {
  const auto& entry = datasets::find("synthetic");
  const datasets::Splits a = entry.load({});
  const datasets::Splits b = entry.load({});
  CHECK(a.train->size() == entry.train_count);
  CHECK(a.test->size() == entry.test_count);
  CHECK(a.train->image_shape() == entry.input);
  CHECK(a.train->classes() == entry.classes);
  for (const std::int64_t i : {0, 9999, 17, 1}) CHECK(image_of(*a.train, i) == image_of(*b.train, i));
  CHECK(image_of(*a.train, 0) != image_of(*a.train, 10));
  CHECK(image_of(*a.train, 0) != image_of(*a.test, 0));
  datasets::Options other;
  other.seed = 1;
  CHECK(image_of(*a.train, 0) != image_of(*entry.load(other).train, 0));
  // Fixed for good: runs on synthetic data can be compared across versions and machines.
  std::uint32_t hash = 2166136261u;
  for (const std::int64_t i : {0, 1234, 9999}) {
    for (const std::uint8_t byte : image_of(*a.train, i)) hash = (hash ^ byte) * 16777619u;
  }
  CHECK(hash == 2803400746u);
}

TEST_CASE("synthetic data come in any shape and are normalised") {
  const auto& entry = datasets::find("synthetic");
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{1, 28, 28}, Shape{3, 7, 130}, Shape{5, 3, 3}}) {
    datasets::Options options;
    options.input = shape;
    options.classes = 7;
    const auto train = entry.load(options).train;
    CHECK(train->image_shape() == shape);
    std::set<std::int64_t> labels;
    for (std::int64_t i = 0; i < 20; ++i) {
      image_of(*train, i);
      labels.insert(train->label(i));
    }
    CHECK(labels.size() == 7);
    data::LoaderOptions loading;
    loading.batch_size = 3;
    data::Loader loader(train, entry.normalisation, loading);  // one value holds for any number of channels
    data::Batch batch;
    loader.start(0);
    CHECK(loader.next(batch));
  }
  const Moments moments = moments_of(*entry.load({}).train, 3000);
  CHECK(std::abs(moments.mean - entry.normalisation.mean[0]) < 0.02);
  CHECK(std::abs(moments.std - entry.normalisation.std[0]) < 0.02);
}

TEST_CASE("synthetic classes can be learnt: the nearest mean of each class is nearly always right") {
  const auto splits = datasets::find("synthetic").load({});
  const auto pixels = static_cast<std::size_t>(splits.train->image_shape().numel());
  std::vector<std::vector<double>> means(10, std::vector<double>(pixels));
  for (std::int64_t i = 0; i < 1000; ++i) {
    const auto image = image_of(*splits.train, i);
    auto& mean = means[static_cast<std::size_t>(splits.train->label(i))];
    for (std::size_t p = 0; p < pixels; ++p) mean[p] += image[p] / 100.0;
  }
  int right = 0;
  constexpr int kTest = 500;
  for (std::int64_t i = 0; i < kTest; ++i) {
    const auto image = image_of(*splits.test, i);
    double best = 1e300;
    std::int64_t guess = -1;
    for (std::size_t k = 0; k < 10; ++k) {
      double distance = 0;
      for (std::size_t p = 0; p < pixels; ++p) distance += std::pow(image[p] - means[k][p], 2);
      if (distance < best) {
        best = distance;
        guess = static_cast<std::int64_t>(k);
      }
    }
    right += guess == splits.test->label(i);
  }
  CHECK(right > kTest * 9 / 10);
}

TEST_CASE("synthetic refuses shapes that make no sense") {
  const auto& entry = datasets::find("synthetic");
  const auto refusal = [&](const Shape& shape, std::int64_t classes) {
    datasets::Options options;
    options.input = shape;
    options.classes = classes;
    return message_of<UsageError>([&] { entry.load(options); });
  };
  CHECK(contains(refusal({3, 32}, 10), "[3, 32]"));
  CHECK(contains(refusal({3, 0, 32}, 10), "[3, 0, 32]"));
  CHECK(contains(refusal({-3, -1, 32}, 10), "[-3, -1, 32]"));
  CHECK(contains(refusal({std::int64_t{1} << 31, std::int64_t{1} << 31, 4}, 10), "at most 2^28"));
  CHECK(contains(refusal({1 << 20, 1 << 20, 1 << 20}, 10), "at most 2^28"));
  CHECK(contains(refusal({3, 32, 32}, -1), "-1 classes"));
  CHECK(contains(refusal({3, 32, 32}, std::int64_t{1} << 60), "classes"));
}
