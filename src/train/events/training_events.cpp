#include "src/train/events/training_events.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "satsuma/autograd/node.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/ops/softmax.hpp"
#include "src/core/message.hpp"

namespace satsuma::train {

namespace {

constexpr std::size_t kPictures = 8;

/// Metrics of an epoch that the page HPARAMS shows.
const std::string kMetrics[] = {"val_accuracy", "val_loss", "test_accuracy", "test_loss", "epoch_loss"};

std::vector<std::pair<std::string, HyperParameter>> parameters_of(const Recipe& recipe) {
  std::vector<std::pair<std::string, HyperParameter>> parameters;
  for (const RecipeField& field : recipe_fields()) {
    const std::string text = field.text(recipe);
    if (text.empty()) continue;
    HyperParameter value = text;
    if (field.is_switch()) value = text == "true";
    // A number that is not given is a word: `auto`.
    if (field.is_number() && text != field.absent) value = std::stod(text);
    parameters.emplace_back(field.key, std::move(value));
  }
  return parameters;
}

/// A picture of the evaluation that was taken for another class.
struct ShownMistake {
  std::int64_t index;  ///< in the batch
  std::int64_t predicted;
  double probability;  ///< of that
};

/// The wrong answers of a batch, the surest first.
std::vector<ShownMistake> mistakes_of(const Tensor& logits, const Tensor& labels) {
  const std::vector<double> shares = ops::softmax(logits, 1).to_vector<double>();
  const std::vector<std::int64_t> truth = labels.to_vector<std::int64_t>();
  std::vector<ShownMistake> mistakes;
  const std::int64_t classes = logits.dim(1);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = shares.begin() + static_cast<std::ptrdiff_t>(i) * classes;
    const auto largest = std::max_element(row, row + classes);
    if (largest - row != truth[i])
      mistakes.push_back({static_cast<std::int64_t>(i), largest - row, *largest});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(), [](const ShownMistake& a, const ShownMistake& b) {
    return a.probability > b.probability;
  });
  return mistakes;
}

}  // namespace

TrainingEvents::TrainingEvents(const RunDirectory& directory, const Recipe& recipe,
                               const ExperimentData& data, std::int64_t step)
    : normalisation_(data.normalisation), class_names_(data.class_names) {
  EventWriter::check_available();
  try {
    // What a resumed run does again is shown once.
    writer_.emplace(directory.path(), step > 0 ? std::optional(step + 1) : std::nullopt);
    writer_->begin_session(parameters_of(recipe), kMetrics);
  } catch (const IoError& error) {
    give_up(error);
  }
}

TrainingEvents::~TrainingEvents() {
  try {
    if (writer_) writer_->end_session(false);
  } catch (const std::exception&) {
    // The run has ended with an error of its own, which is the one to be said.
  }
}

void TrainingEvents::give_up(const IoError& error) {
  writer_.reset();
  say("warning: {}; training goes on without TensorBoard events", error.what());
}

void TrainingEvents::attempt(const std::function<void(EventWriter&)>& write) {
  if (!writer_) return;
  try {
    write(*writer_);
  } catch (const IoError& error) {
    give_up(error);
  }
}

void TrainingEvents::on_record(const LogRecord& record) {
  if (record.test) {
    const std::vector<std::pair<std::string, double>> scores = {{"test_loss", record.test->loss},
                                                                {"test_accuracy", record.test->accuracy}};
    attempt([&](EventWriter& writer) { writer.scalars(record.step, scores); });
    return;
  }
  const bool is_epoch = record.kind == LogRecord::Kind::epoch;
  const std::string prefix = is_epoch ? "epoch_" : "";
  std::vector<std::pair<std::string, double>> values = {{prefix + "loss", record.tally.loss()},
                                                        {prefix + "accuracy", record.tally.accuracy()}};
  if (is_epoch) {
    if (record.validation) {
      values.emplace_back("val_loss", record.validation->loss);
      values.emplace_back("val_accuracy", record.validation->accuracy);
    }
    for (const auto& [layer, share] : record.mask_change) values.emplace_back("mask_changes/" + layer, share);
  } else {
    values.emplace_back("lr", record.lr);
    values.emplace_back("images_per_second", record.tally.images_per_second());
    values.emplace_back("saving", saving(record.tally.work));
    if (record.loss_scale) values.emplace_back("loss_scale", record.loss_scale->value);
  }
  attempt([&](EventWriter& writer) { writer.scalars(record.step, values); });
}

void TrainingEvents::on_batch(std::int64_t step, const data::Batch& batch) {
  if (std::exchange(has_samples_, true)) return;
  attempt([&](EventWriter& writer) {
    const std::vector<std::int64_t> labels = batch.labels.to_vector<std::int64_t>();
    for (std::size_t i = 0; i < std::min(kPictures, labels.size()); ++i) {
      writer.picture(step, fmt::format("samples/{} {}", i + 1, class_name(labels[i])),
                     picture_of(batch.images, static_cast<std::int64_t>(i)));
    }
  });
}

void TrainingEvents::on_epoch(std::int64_t step, nn::Module& model, data::Loader* validation) {
  attempt([&](EventWriter& writer) {
    for (const nn::Parameter& parameter : model.parameters()) {
      writer.histogram(step, "weights/" + parameter.name, parameter.value.detach().to_vector<float>());
      if (const Tensor gradient = parameter.value.grad(); gradient.defined())
        writer.histogram(step, "gradients/" + parameter.name, gradient.detach().to_vector<float>());
    }
    if (validation != nullptr) write_mistakes(writer, step, model, *validation);
  });
}

void TrainingEvents::write_mistakes(EventWriter& writer, std::int64_t step, nn::Module& model,
                                    data::Loader& loader) {
  const NoGrad no_grad;
  data::Batch batch;
  loader.start(0);
  if (!loader.next(batch)) return;
  const bool was_training = model.training();
  model.train(false);
  const Tensor logits = model(batch.images);
  model.train(was_training);
  const std::vector<ShownMistake> mistakes = mistakes_of(logits, batch.labels);
  const std::vector<std::int64_t> labels = batch.labels.to_vector<std::int64_t>();
  // A kind of mistake has a row of pictures over the epochs: the surest of each.
  std::set<std::string> shown_kinds;
  for (const ShownMistake& mistake : mistakes) {
    if (shown_kinds.size() == kPictures) break;
    const std::int64_t truth = labels[static_cast<std::size_t>(mistake.index)];
    const std::string tag =
        fmt::format("mistakes/{} taken for {}", class_name(truth), class_name(mistake.predicted));
    if (shown_kinds.insert(tag).second) writer.picture(step, tag, picture_of(batch.images, mistake.index));
  }
}

void TrainingEvents::on_end() {
  attempt([](EventWriter& writer) { writer.end_session(true); });
  writer_.reset();
}

EventPicture TrainingEvents::picture_of(const Tensor& images, std::int64_t index) const {
  const Tensor image = images.slice_view(0, index, index + 1).to(MemoryFormat::row_major);
  const std::vector<float> values = image.to_vector<float>();
  EventPicture picture{image.dim(2), image.dim(3), image.dim(1) >= 3 ? 3 : 1, {}};
  const auto of = [](const std::vector<double>& each, std::int64_t channel) {
    return each[std::min(static_cast<std::size_t>(channel), each.size() - 1)];
  };
  const std::int64_t pixels = picture.height * picture.width;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::int64_t channel = 0; channel < picture.channels; ++channel) {
      const double value = values[static_cast<std::size_t>(channel * pixels + pixel)];
      const double byte = 255 * (value * of(normalisation_.std, channel) + of(normalisation_.mean, channel));
      picture.pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(byte), 0L, 255L)));
    }
  }
  return picture;
}

std::string TrainingEvents::class_name(std::int64_t label) const {
  const auto index = static_cast<std::size_t>(label);
  return index < class_names_.size() ? class_names_[index] : fmt::format("class {}", label);
}

}  // namespace satsuma::train
