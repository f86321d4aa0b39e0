#include "tools/satsuma/predict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/autograd/node.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/ops/softmax.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/loading.hpp"
#include "src/core/json.hpp"
#include "src/core/message.hpp"
#include "src/core/utf8.hpp"
#include "tools/satsuma/check_report.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/pictures.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/trained.hpp"
#include "tools/satsuma/use_threads.hpp"
#include "tools/satsuma/weights.hpp"

namespace satsuma::tools {

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string checkpoint;
  std::vector<std::string> pictures;
  std::int64_t top = 5;
  bool json = false;
  bool csv = false;
  RecipeFlags flags;
  PluginFlags plugins;
};

/// A model and what pictures become its input by.
struct Predictor {
  std::shared_ptr<nn::Module> model;
  data::Preprocess preprocess;
  std::vector<std::string> class_names;
};

Predictor make_predictor(const train::Checkpoint& checkpoint, const train::Recipe& recipe) {
  const Shape input = checkpoint.info ? checkpoint.info->input : recipe.input_shape();
  if (input[0] != 1 && input[0] != 3) {
    throw UsageError(
        fmt::format("the model takes images of {} channels, but pictures have 1 or 3", input[0]));
  }
  const std::int64_t classes = checkpoint.info ? checkpoint.info->classes : *recipe.classes;
  Predictor predictor{train::make_model(recipe, input, classes), train::preprocess_of(recipe, input), {}};
  if (!(predictor.preprocess.output() == input)) {
    throw UsageError(
        fmt::format("pictures become images of {}, but the model takes {}; see --resize and --crop",
                    fmt::join(predictor.preprocess.output(), "x"), fmt::join(input, "x")));
  }
  load_weights(checkpoint, *predictor.model, false);
  predictor.model->train(false);
  if (checkpoint.info) predictor.class_names = checkpoint.info->class_names;
  // A class without a name is called by its number.
  for (auto label = static_cast<std::int64_t>(predictor.class_names.size()); label < classes; ++label)
    predictor.class_names.push_back(fmt::format("{}", label));
  return predictor;
}

/// What is said of one picture: classes with their probabilities, the most probable first, or why not.
struct Prediction {
  std::string file;
  std::vector<std::pair<std::int64_t, double>> top;
  std::string error;
};

/// Decodes pictures on all threads; those that fail have an error afterwards.
std::vector<std::vector<float>> read_inputs(const Predictor& predictor, std::span<Prediction> batch) {
  const Shape& shape = predictor.preprocess.output();
  std::vector<std::vector<float>> inputs(batch.size());
  parallel_for(static_cast<std::int64_t>(batch.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      try {
        std::vector<float> values(static_cast<std::size_t>(shape.numel()));
        predictor.preprocess(read_picture(batch[i].file, shape[0], predictor.preprocess.least_side()),
                             values);
        inputs[i] = std::move(values);
      } catch (const Error& error) {
        batch[i].error = error.what();
      }
    }
  });
  return inputs;
}

void predict_batch(const Predictor& predictor, std::span<Prediction> batch, std::int64_t top) {
  const std::vector<std::vector<float>> inputs = read_inputs(predictor, batch);
  std::vector<float> values;
  std::vector<Prediction*> good;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (inputs[i].empty()) continue;
    values.insert(values.end(), inputs[i].begin(), inputs[i].end());
    good.push_back(&batch[i]);
  }
  if (good.empty()) return;
  const Shape& shape = predictor.preprocess.output();
  const Shape images = {static_cast<std::int64_t>(good.size()), shape[0], shape[1], shape[2]};
  const NoGrad no_grad;
  const Tensor logits = (*predictor.model)(Tensor::from(values, images).to(MemoryFormat::batch_blocked));
  const std::vector<double> shares = ops::softmax(logits, 1).to_vector<double>();
  const std::int64_t classes = logits.dim(1);
  std::vector<std::int64_t> order(static_cast<std::size_t>(classes));
  const auto count = std::min(top, classes);
  for (std::size_t i = 0; i < good.size(); ++i) {
    const double* const row = shares.data() + static_cast<std::int64_t>(i) * classes;
    if (!std::isfinite(row[0])) {
      good[i]->error = fmt::format("{}: what the model makes of it is not finite; its weights are too large",
                                   good[i]->file);
      continue;
    }
    std::iota(order.begin(), order.end(), 0);
    // Of equal probabilities the lower label comes first, so that the answer is always the same.
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int64_t a, std::int64_t b) { return row[a] > row[b]; });
    for (std::int64_t rank = 0; rank < count; ++rank) {
      const std::int64_t label = order[static_cast<std::size_t>(rank)];
      good[i]->top.emplace_back(label, row[label]);
    }
  }
}

void print_csv(const Prediction& prediction, const std::vector<std::string>& names) {
  for (std::size_t rank = 0; rank < prediction.top.size(); ++rank) {
    const auto& [label, probability] = prediction.top[rank];
    fmt::print("{},{},{},{:.6g}\r\n", csv_cell(prediction.file), rank + 1,
               csv_cell(names[static_cast<std::size_t>(label)]), probability);
  }
}

void print_text(const Prediction& prediction, const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const auto& [label, probability] : prediction.top)
    parts.push_back(
        fmt::format("{} {:.1f} %", shown(names[static_cast<std::size_t>(label)]), 100 * probability));
  fmt::print("{}: {}\n", shown_path(prediction.file), fmt::join(parts, ", "));
}

Json to_json(const Prediction& prediction, const std::vector<std::string>& names) {
  Json top = Json::array();
  for (const auto& [label, probability] : prediction.top) {
    top.push_back(
        {{"class", names[static_cast<std::size_t>(label)]}, {"label", label}, {"probability", probability}});
  }
  return {{"file", prediction.file}, {"top", top}};
}

/// A word on standard error every five seconds.
class Patience {
 public:
  void tell(std::size_t done, std::size_t all) {
    if (done == all || Clock::now() < next_) return;
    say("{} of {} pictures", done, all);
    next_ = Clock::now() + std::chrono::seconds(5);
  }

 private:
  Clock::time_point next_ = Clock::now() + std::chrono::seconds(5);
};

int run_predict(const Settings& settings) {
  if (settings.json && settings.csv) throw UsageError("--json and --csv exclude each other");
  settings.plugins.load();
  const train::Checkpoint checkpoint = train::load_checkpoint(settings.checkpoint);
  const train::Recipe recipe =
      trained_recipe(checkpoint, settings.flags, {"model", "data", "input", "classes"});
  use_threads(recipe.threads);
  const Predictor predictor = make_predictor(checkpoint, recipe);
  const std::vector<std::string> files = list_pictures(settings.pictures);

  if (settings.csv) fmt::print("file,rank,class,probability\r\n");
  Json predictions = Json::array();
  Json errors = Json::array();
  Patience patience;
  const auto batch_size = static_cast<std::size_t>(recipe.batch_size);
  for (std::size_t begin = 0; begin < files.size(); begin += batch_size) {
    std::vector<Prediction> batch;
    for (std::size_t i = begin; i < std::min(begin + batch_size, files.size()); ++i)
      batch.push_back({files[i], {}, {}});
    predict_batch(predictor, batch, settings.top);
    for (const Prediction& prediction : batch) {
      if (!prediction.error.empty()) {
        say("error: {}", prediction.error);
        errors.push_back({{"file", prediction.file}, {"error", prediction.error}});
      } else if (settings.json) {
        predictions.push_back(to_json(prediction, predictor.class_names));
      } else if (settings.csv) {
        print_csv(prediction, predictor.class_names);
      } else {
        print_text(prediction, predictor.class_names);
      }
    }
    patience.tell(std::min(begin + batch_size, files.size()), files.size());
  }
  const int code = errors.empty() ? 0 : 1;
  if (settings.json) {
    print_json({{"checkpoint", settings.checkpoint},
                {"model", recipe.model},
                {"predictions", predictions},
                {"errors", errors}});
  }
  report_checks(recipe);
  return code;
}

}  // namespace

void add_predict(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      program.add_command("predict", "Say what pictures show, by the model of a checkpoint");
  command
      .add_option("IMAGE", settings->pictures,
                  "JPEG, PNG, BMP or GIF; a directory, with all pictures below it; or -, one picture on "
                  "standard input")
      .required();
  command.add_option("--checkpoint", settings->checkpoint, "safetensors file of a run, or of another program")
      .required();
  command.add_option("--top", settings->top, "classes to name, the most probable first")
      .show_default()
      .in_range(std::int64_t{1}, std::int64_t{1'000'000});
  command.add_flag("--json", settings->json,
                   "one JSON object on standard output; probabilities are shares of 1");
  command.add_flag("--csv", settings->csv, "lines of file,rank,class,probability");
  settings->flags.add_to(
      command, {"model", "stem", "width", "data", "input", "classes", "image-size", "resize", "crop",
                "method", "nm", "device", "place", "strict-device", "threads", "batch-size"});
  settings->plugins.add_to(command, "Device");
  command.footer(
      "Pictures are resized, cropped and normalised as in the run's evaluation, and weights pruned as in "
      "training.\n"
      "A picture that cannot be read is said in a line of its own; the others go on, and the exit status is "
      "1. A\n"
      "file of another program needs --model, --data (for mean and std), --input and --classes.\n"
      "Example: satsuma predict --checkpoint runs/first/best.safetensors --top 3 cat.jpg");
  command.run([settings] { return run_predict(*settings); });
}

}  // namespace satsuma::tools
