#include "satsuma/train/loading.hpp"

#include <doctest/doctest.h>

#include "satsuma/core/error.hpp"
#include "support.hpp"
#include "tiny_experiment.hpp"

using namespace satsuma;
using namespace satsuma::testing;
using namespace satsuma::train;

namespace {

/// A BMP of 24 bits in one colour.
std::string bmp(int height, int width, char colour) {
  const int row = (width * 3 + 3) / 4 * 4;
  const auto word = [](int value) {
    std::string bytes;
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 255);
    return bytes;
  };
  const std::string planes_and_bits("\x01\x00\x18\x00", 4);
  return "BM" + word(54 + row * height) + word(0) + word(54) + word(40) + word(width) + word(height) +
         planes_and_bits + word(0) + word(row * height) + word(0) + word(0) + word(0) + word(0) +
         std::string(static_cast<std::size_t>(row * height), colour);
}

void write_class(const std::filesystem::path& folder, int count, int height) {
  std::filesystem::create_directories(folder);
  for (int i = 0; i < count; ++i)
    write_file(folder / (std::to_string(i) + ".bmp"), bmp(height + i, 24, static_cast<char>(60 + i)));
}

Recipe recipe_for(const std::filesystem::path& folder) {
  Recipe recipe;
  recipe.data = folder.string();
  recipe.batch_size = 4;
  return recipe;
}

template <typename E>
std::string error_of(const Recipe& recipe) {
  try {
    load_data(recipe);
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a folder of pictures: split, sizes and classes, and a recipe that says them") {
  const TemporaryDirectory folder;
  write_class(folder / "cat", 20, 30);
  write_class(folder / "dog", 10, 40);
  Recipe recipe = recipe_for(folder.path());
  const ExperimentData data = load_data(recipe);
  CHECK(data.train->size() == 27);
  REQUIRE(data.validation);
  CHECK(data.validation->size() == 3);
  CHECK_FALSE(data.test);
  CHECK(data.class_names == std::vector<std::string>{"cat", "dog"});
  CHECK(data.input == Shape{3, 32, 32});
  CHECK(data.train_frame.crop == 32);
  CHECK(data.frame.resize == 36);
  CHECK(data.frame.crop == 32);

  fill_sizes(recipe, data);
  CHECK(recipe.image_size == 32);
  CHECK(recipe.resize == 36);
  CHECK(recipe.val_share == 0.1);
  const data::Preprocess preprocess = preprocess_of(recipe, data.input);
  CHECK(preprocess.output() == data.input);

  // The loader's evaluation is preprocess_of's.
  data::Loader loader(data.validation, data.normalisation, evaluation_options(recipe, data));
  loader.start(0);
  data::Batch batch;
  REQUIRE(loader.next(batch));
  data::Image image;
  data.validation->read(1, image);
  std::vector<float> values(3 * 32 * 32);
  preprocess(image, values);
  const auto got = batch.images.to_vector<float>();
  CHECK(std::equal(values.begin(), values.end(), got.begin() + 3 * 32 * 32));
  data::Loader training(data.train, data.normalisation, training_options(recipe, data));
  CHECK(training.output() == data.input);

  // A recipe that was filled in gives the same again.
  const ExperimentData again = load_data(recipe);
  CHECK(again.frame.resize == 36);
  for (std::int64_t i = 0; i < 3; ++i) CHECK(again.validation->name(i) == data.validation->name(i));
}

TEST_CASE("sizes that are asked for") {
  const TemporaryDirectory folder;
  write_class(folder / "a", 6, 30);
  write_class(folder / "b", 6, 30);
  Recipe recipe = recipe_for(folder.path());
  recipe.val_share = 0;
  recipe.stem = "imagenet";
  ExperimentData data = load_data(recipe);
  CHECK(data.input == Shape{3, 224, 224});
  CHECK(data.frame.resize == 256);
  CHECK_FALSE(data.validation);
  CHECK(data.train->size() == 12);
  recipe.image_size = 48;
  recipe.resize = 0;
  recipe.crop = 40;
  data = load_data(recipe);
  CHECK(data.input == Shape{3, 48, 48});
  CHECK(data.frame.resize == 0);
  CHECK(data.frame.crop == 40);
  recipe.input = "1x48x48";
  data = load_data(recipe);
  CHECK(data.input == Shape{1, 48, 48});
  CHECK(data.normalisation.mean == std::vector<double>{0.449});
  recipe.input = "1x64x64";
  CHECK(
      has(error_of<UsageError>(recipe), "--input got 1x64x64, expected height and width of --image-size 48"));
}

TEST_CASE("parts with other classes, and a share where there is a validation part") {
  const TemporaryDirectory folder;
  write_class(folder / "train/a", 4, 30);
  write_class(folder / "train/b", 4, 30);
  write_class(folder / "val/a", 2, 30);
  write_class(folder / "val/b", 2, 30);
  Recipe recipe = recipe_for(folder.path());
  const ExperimentData data = load_data(recipe);
  CHECK(data.train->size() == 8);
  CHECK(data.validation->size() == 4);
  recipe.val_share = 0.2;
  CHECK(has(error_of<UsageError>(recipe), "4 validation images of its own"));
  write_class(folder / "val/c", 2, 30);
  recipe.val_share.reset();
  const std::string message = error_of<FormatError>(recipe);
  CHECK(has(message, "classes"));
  CHECK(has(message, "c"));
}

TEST_CASE("a set of images of one size keeps it, and another when it is asked for") {
  Recipe recipe;
  recipe.data = "synthetic";
  ExperimentData data = load_data(recipe);
  CHECK(data.train->size() == 9000);
  CHECK(data.validation->size() == 1000);
  CHECK(data.test->size() == 2000);
  CHECK(data.frame.crop == 0);
  fill_sizes(recipe, data);
  CHECK_FALSE(recipe.image_size);
  CHECK(preprocess_of(recipe, data.input).output() == data.input);
  CHECK_FALSE(preprocess_of(recipe, data.input).resizes());
  recipe.image_size = 64;
  recipe.limit_train = 100;
  data = load_data(recipe);
  CHECK(data.input == Shape{3, 64, 64});
  CHECK(data.frame.resize == 64);
  CHECK(data.train->size() == 100);
  CHECK(data.validation->size() == 1000);
}
