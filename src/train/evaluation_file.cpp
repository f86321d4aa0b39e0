#include "satsuma/train/evaluation_file.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "src/core/json.hpp"
#include "src/train/evaluation_json.hpp"
#include "src/train/thumbnail.hpp"

namespace satsuma::train {

namespace {

Json ratio(double part, std::int64_t whole) {
  return whole > 0 ? Json(part / static_cast<double>(whole)) : Json();
}

Json bins_of(const Evaluation& evaluation) {
  Json bins = Json::array();
  for (std::size_t i = 0; i < Evaluation::kBins; ++i) {
    const Evaluation::Bin& bin = evaluation.calibration[i];
    constexpr auto kCount = static_cast<double>(Evaluation::kBins);
    bins.push_back({{"low", static_cast<double>(i) / kCount},
                    {"high", static_cast<double>(i + 1) / kCount},
                    {"count", bin.count},
                    {"confidence", ratio(bin.confidence, bin.count)},
                    {"accuracy", ratio(static_cast<double>(bin.correct), bin.count)}});
  }
  return bins;
}

Json picture_of(const data::Dataset& images, std::int64_t index) {
  data::Image image;
  try {
    images.read(index, image, 64);
  } catch (const Error&) {
    return {};  // the numbers are what matters
  }
  return base64(thumbnail_png(image));
}

}  // namespace

Json to_json(const Evaluation& evaluation, const data::Dataset& images,
             const std::vector<std::string>& class_names) {
  const auto name_of = [&](std::int64_t label) {
    const auto at = static_cast<std::size_t>(label);
    return at < class_names.size() ? class_names[at] : fmt::format("{}", label);
  };
  Json names = Json::array(), per_class = names, confusion = names, mistakes = names;
  for (std::int64_t label = 0; label < evaluation.classes; ++label) {
    const std::int64_t count = evaluation.images_of(label), correct = evaluation.correct_of(label);
    names.push_back(name_of(label));
    per_class.push_back({{"name", name_of(label)},
                         {"count", count},
                         {"correct", correct},
                         {"accuracy", ratio(static_cast<double>(correct), count)}});
    const auto row = evaluation.confusion.begin() + label * evaluation.classes;
    confusion.push_back(std::vector<std::int64_t>(row, row + evaluation.classes));
  }
  for (const Mistake& mistake : evaluation.mistakes) {
    mistakes.push_back({{"index", mistake.index},
                        {"file", images.name(mistake.index)},
                        {"label", name_of(mistake.label)},
                        {"predicted", name_of(mistake.predicted)},
                        {"probability", mistake.probability}});
  }
  return {{"loss", evaluation.loss},
          {"top1", evaluation.top1},
          {"top5", evaluation.top5},
          {"count", evaluation.count},
          {"calibration_error", evaluation.calibration_error},
          {"calibration", bins_of(evaluation)},
          {"class_names", names},
          {"per_class", per_class},
          {"confusion", confusion},
          {"mistakes", mistakes},
          {"left_out", evaluation.left_out_of(images)}};
}

std::string evaluation_file(const Evaluation& evaluation, const data::Dataset& images,
                            const std::vector<std::string>& class_names, const std::string& set,
                            const std::string& weights, std::int64_t epoch) {
  Json object = {{"set", set}, {"weights", weights}, {"epoch", epoch}};
  object.update(to_json(evaluation, images, class_names));
  for (std::size_t i = 0; i < evaluation.mistakes.size(); ++i)
    object["mistakes"][i]["picture"] = picture_of(images, evaluation.mistakes[i].index);
  // Names of files need not be UTF-8.
  return json_text(object) + '\n';
}

}  // namespace satsuma::train
