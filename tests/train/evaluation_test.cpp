#include "satsuma/train/evaluation.hpp"

#include <cmath>

#include "satsuma/train/evaluation_file.hpp"
#include "src/core/json.hpp"
#include "train/support.hpp"
#include "train/tiny_experiment.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

/// Logits that a test has written, whatever the image: row i for image i.
class Fixed : public nn::Module {
 public:
  explicit Fixed(Tensor rows) : rows_(std::move(rows)) {}
  Tensor forward(const Tensor& x) override {
    const std::int64_t begin = done_;
    done_ += x.dim(0);
    return rows_.slice_view(0, begin, done_).clone();
  }

 private:
  Tensor rows_;
  std::int64_t done_ = 0;
};

std::shared_ptr<const data::Dataset> images_of(const std::vector<std::int64_t>& labels,
                                               std::int64_t classes) {
  return std::make_shared<data::MemoryDataset>(Shape{1, 2, 2}, classes,
                                               std::vector<std::uint8_t>(4 * labels.size(), 9), labels);
}

Evaluation evaluate_rows(const std::shared_ptr<const data::Dataset>& images,
                         const std::vector<double>& rows) {
  data::LoaderOptions options;
  options.batch_size = 3;
  options.shuffle = options.drop_last = false;
  data::Loader loader(images, {{0.5}, {0.25}, 0}, options);
  const std::int64_t classes = images->classes();
  const std::vector<float> values(rows.begin(), rows.end());
  Fixed model(Tensor::from(values, {images->size(), classes}));
  return evaluate(model, loader).value();
}

}  // namespace

TEST_CASE("what is counted of four images in three classes") {
  const double sure = std::log(9.0), half = std::log(2.0);  // probabilities 9/11 1/11 1/11, and .5 .25 .25
  const auto images = images_of({0, 1, 1, 2}, 3);
  const Evaluation result =
      evaluate_rows(images, {sure, 0, 0, /**/ 0, half, 0, /**/ sure, 0, 0, /**/ half, 0, 0});
  CHECK(result.count == 4);
  CHECK(result.top1 == 0.5);
  CHECK(result.top5 == 1);
  CHECK(result.loss ==
        doctest::Approx(-(std::log(9.0 / 11) + std::log(0.5) + std::log(1.0 / 11) + std::log(0.25)) / 4));
  CHECK(result.confusion == std::vector<std::int64_t>{1, 0, 0, 1, 1, 0, 1, 0, 0});
  CHECK(result.images_of(1) == 2);
  CHECK(result.correct_of(1) == 1);
  // One of two is right at 9/11 and at .5: |1 - 18/11| / 4 + |1 - 1| / 4.
  CHECK(result.calibration_error == doctest::Approx(7.0 / 44));
  CHECK(result.calibration[12].count == 2);  // (12/15, 13/15] has 9/11
  CHECK(result.calibration[7].count == 2);   // (7/15, 8/15] has .5
  REQUIRE(result.mistakes.size() == 2);
  CHECK(result.mistakes[0].index == 2);
  CHECK(result.mistakes[0].probability == doctest::Approx(9.0 / 11));
  CHECK(result.mistakes[1].index == 3);
  CHECK(result.mistakes[1].label == 2);
  CHECK(result.mistakes[1].predicted == 0);

  const auto json = parse_json(evaluation_file(result, *images, {"a", "b", "c"}, "test", "best", 3));
  CHECK(json["set"] == "test");
  CHECK(json["epoch"] == 3);
  CHECK(json["class_names"] == std::vector<std::string>{"a", "b", "c"});
  CHECK(json["per_class"][1]["accuracy"] == 0.5);
  CHECK(json["confusion"][1] == std::vector<int>{1, 1, 0});
  CHECK(json["calibration"].size() == 15);
  CHECK(json["mistakes"][0]["label"] == "b");
  CHECK(json["mistakes"][0]["file"] == "image 2");
  CHECK(json["mistakes"][0]["picture"].get<std::string>().starts_with("iVBORw0KGgo"));  // PNG
}

TEST_CASE("five of seven classes, ties to the lower class, and the worst mistakes of many") {
  std::vector<std::int64_t> labels;
  std::vector<double> rows;
  for (std::int64_t i = 0; i < 50; ++i) {
    labels.push_back(i % 7);
    for (int c = 0; c < 7; ++c) rows.push_back(c == 0 ? 0.01 * static_cast<double>(i) : 0);
  }
  const Evaluation result = evaluate_rows(images_of(labels, 7), rows);
  // Class 0 always wins; of equal ones the lower come first, so that 5 and 6 are not among the five.
  CHECK(result.top1 == doctest::Approx(8.0 / 50));
  CHECK(result.top5 == doctest::Approx((50.0 - 7 - 7) / 50));
  REQUIRE(result.mistakes.size() == Evaluation::kMistakes);
  CHECK(result.mistakes.front().index == 48);  // 49 is right
  for (std::size_t i = 1; i < result.mistakes.size(); ++i)
    CHECK(result.mistakes[i - 1].probability >= result.mistakes[i].probability);
}

}  // namespace satsuma::train
