#include "src/train/class_weights.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

namespace {

std::vector<double> numbers_in(std::string_view text) {
  std::vector<double> numbers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    double number = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, number);
    if (error != std::errc{} || stop != text.data() + end || !(number >= 0 && number <= 1e12)) {
      throw UsageError(fmt::format(
          "--class-weights got '{}', expected balanced, or a number of 0 or more for each class: 1,2,0.5",
          text));
    }
    numbers.push_back(number);
    begin = end + 1;
  }
  return numbers;
}

std::vector<double> balanced(const data::Dataset& images, std::int64_t classes) {
  std::vector<double> weights(static_cast<std::size_t>(classes));
  for (std::int64_t i = 0; i < images.size(); ++i) weights.at(static_cast<std::size_t>(images.label(i))) += 1;
  const double mean = static_cast<double>(images.size()) / static_cast<double>(classes);
  // A class without images is in no loss.
  for (double& weight : weights) weight = weight > 0 ? mean / weight : 0;
  return weights;
}

}  // namespace

void check_class_weights(std::string_view text) {
  if (!text.empty() && text != "balanced") numbers_in(text);
}

Tensor class_weights_of(std::string_view text, const data::Dataset& images, std::int64_t classes) {
  if (text.empty()) return {};
  const std::vector<double> weights = text == "balanced" ? balanced(images, classes) : numbers_in(text);
  if (static_cast<std::int64_t>(weights.size()) != classes) {
    throw UsageError(fmt::format("--class-weights got {} numbers, expected {}, one for each class",
                                 weights.size(), classes));
  }
  return Tensor::from(weights, {classes});
}

}  // namespace satsuma::train
