#include "satsuma/train/checkpoint.hpp"

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/train/safetensors.hpp"
#include "src/core/json.hpp"
#include "src/core/utf8.hpp"
#include "src/train/finite.hpp"
#include "src/train/safetensors_header.hpp"

namespace satsuma::train {

namespace {

constexpr std::string_view kOptimizer = "optimizer.";
constexpr std::string_view kMask = "mask.";
constexpr std::string_view kEma = "ema.";
constexpr std::string_view kEpochMask = "epoch_mask.";
constexpr const char* kVersionKey = "satsuma_checkpoint";
constexpr const char* kVersion = "1";

Json parsed(const std::string& text) {
  Json value = parse_json(text);
  if (value.is_discarded()) throw FormatError(fmt::format("'{}' is no JSON", shown(text)));
  return value;
}

std::int64_t checked_count(const Json& value, std::string_view key) {
  // Room for what is added to it.
  constexpr std::int64_t kMost = std::int64_t{1} << 62;
  const double number = value.is_number() ? value.get<double>() : -1;
  if (!value.is_number_integer() || !(number >= 0 && number <= static_cast<double>(kMost)))
    throw FormatError(
        fmt::format("'{}' is {}, expected a whole number from 0 to {}", key, json_text(value), kMost));
  return value.get<std::int64_t>();
}

std::int64_t count_from(const Json& object, const char* key) {
  return checked_count(object.at(key), key);
}

Json to_json(const Tally& tally) {
  Json object = {{"loss_sum", tally.loss_sum},
                 {"correct", tally.correct},
                 {"images", tally.images},
                 {"macs", tally.work.pass_macs},
                 {"seconds", tally.seconds}};
  for (const WorkField& field : kWorkFields) object[field.name] = tally.work.*field.member;
  return object;
}

Tally tally_from(const Json& object) {
  Tally tally;
  tally.loss_sum = object.at("loss_sum").get<double>();
  tally.correct = count_from(object, "correct");
  tally.images = count_from(object, "images");
  // Checkpoints of earlier versions have the sum alone.
  if (const Json& macs = object.at("macs"); macs.is_array()) {
    for (std::size_t pass = 0; pass < tally.work.pass_macs.size(); ++pass)
      tally.work.pass_macs[pass] = checked_count(macs.at(pass), "macs");
  } else {
    tally.work.pass_macs = {checked_count(macs, "macs"), 0, 0};
  }
  // Checkpoints of earlier versions have fewer of these.
  for (const WorkField& field : kWorkFields)
    tally.work.*field.member = object.contains(field.name) ? count_from(object, field.name) : 0;
  tally.seconds = object.at("seconds").get<double>();
  return tally;
}

Json to_json(const std::optional<LossScale>& scale) {
  if (!scale) return {};
  return {{"value", scale->value}, {"good_steps", scale->good_steps}, {"skipped", scale->skipped}};
}

Json to_json(const TrainingState& state) {
  return {{"step", state.step},
          {"epoch", state.epoch},
          {"batch", state.batch},
          {"best_accuracy", state.best_accuracy ? Json(*state.best_accuracy) : Json()},
          {"best_epoch", state.best_epoch},
          {"epochs_since_best", state.epochs_since_best},
          {"evaluated", state.evaluated},
          {"loss_scale", to_json(state.loss_scale)},
          {"interval", to_json(state.interval)},
          {"running", to_json(state.running)},
          {"total", to_json(state.total)}};
}

LossScale scale_from(const Json& object) {
  LossScale scale;
  scale.value = object.at("value").get<double>();
  if (!(scale.value > 0 && scale.value <= 0x1p+127)) {
    throw FormatError(fmt::format("the loss scale is {}, expected a number above 0", scale.value));
  }
  scale.good_steps = count_from(object, "good_steps");
  scale.skipped = count_from(object, "skipped");
  return scale;
}

TrainingState state_from(const Json& object) {
  TrainingState state;
  state.step = count_from(object, "step");
  state.epoch = count_from(object, "epoch");
  state.batch = count_from(object, "batch");
  const Json& best = object.at("best_accuracy");
  if (!best.is_null()) state.best_accuracy = best.get<double>();
  // Checkpoints of earlier versions have none of these.
  if (object.contains("best_epoch")) state.best_epoch = count_from(object, "best_epoch");
  if (object.contains("epochs_since_best")) state.epochs_since_best = count_from(object, "epochs_since_best");
  state.evaluated = object.contains("evaluated") ? count_from(object, "evaluated") : state.step;
  if (const auto scale = object.find("loss_scale"); scale != object.end() && !scale->is_null())
    state.loss_scale = scale_from(*scale);
  state.interval = tally_from(object.at("interval"));
  state.running = tally_from(object.at("running"));
  state.total = tally_from(object.at("total"));
  return state;
}

std::map<std::string, std::string> to_metadata(const CheckpointInfo& info) {
  const Json model = {{"input", std::vector<std::int64_t>(info.input.begin(), info.input.end())},
                      {"classes", info.classes}};
  std::map<std::string, std::string> metadata = {
      {kVersionKey, kVersion},
      {"recipe", info.recipe},
      {"weights", "dense masters"},
      {"method", info.method},
      {"nm", info.pattern},
      {"model", json_text(model)},
      {"state", json_text(to_json(info.state))},
      {"optimizer", json_text({{"name", info.optimizer.name}, {"steps", info.optimizer.steps}})},
      {"class_names", json_text(info.class_names)},
      {"generators", json_text(info.generators)}};
  if (info.validation_accuracy) metadata["validation_accuracy"] = json_text(*info.validation_accuracy);
  return metadata;
}

CheckpointInfo info_from(const std::map<std::string, std::string>& metadata) {
  if (const std::string& version = metadata.at(kVersionKey); version != kVersion) {
    throw FormatError(fmt::format("it is a checkpoint of version '{}', expected {}", version, kVersion));
  }
  CheckpointInfo info;
  info.recipe = metadata.at("recipe");
  const auto text = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  info.method = text("method");
  info.pattern = text("nm");
  if (const std::string accuracy = text("validation_accuracy"); !accuracy.empty())
    info.validation_accuracy = parsed(accuracy).get<double>();
  const Json model = parsed(metadata.at("model"));
  const auto input = model.at("input").get<std::vector<std::int64_t>>();
  if (input.size() != 3) throw FormatError(fmt::format("the input has {} axes, expected 3", input.size()));
  info.input = Shape(std::span<const std::int64_t>(input));
  info.classes = count_from(model, "classes");
  info.state = state_from(parsed(metadata.at("state")));
  info.generators = parsed(metadata.at("generators")).get<std::vector<std::uint64_t>>();
  // Checkpoints of earlier versions have none.
  if (const std::string names = text("class_names"); !names.empty()) {
    info.class_names = parsed(names).get<std::vector<std::string>>();
    if (!info.class_names.empty() && static_cast<std::int64_t>(info.class_names.size()) != info.classes) {
      throw FormatError(
          fmt::format("it names {} classes, expected {} or none", info.class_names.size(), info.classes));
    }
  }
  if (const auto found = metadata.find("optimizer"); found != metadata.end()) {
    const Json optimizer = parsed(found->second);
    info.optimizer = {optimizer.at("name").get<std::string>(), count_from(optimizer, "steps")};
  }
  return info;
}

/// A checkpoint from before there were several optimisers as it would be written now: state without the
/// name of what it is was SGD's momentum, and lambda of SR-STE was called decay.
void renew(Checkpoint& checkpoint) {
  CheckpointInfo& info = *checkpoint.info;
  std::map<std::string, Tensor> state;
  for (const auto& [name, tensor] : checkpoint.optimizer) state.emplace("momentum_buffer." + name, tensor);
  checkpoint.optimizer = std::move(state);
  info.optimizer = {"sgd", info.state.step};
  constexpr std::string_view kOldKey = "\ndecay = ";
  if (const std::size_t at = info.recipe.find(kOldKey); at != std::string::npos)
    info.recipe.replace(at, kOldKey.size(), "\nsr-ste = ");
}

/// Throws FormatError unless `values` has exactly the names and shapes of `expected`.
void check_fits(const std::map<std::string, Tensor>& values, const std::vector<nn::NamedTensor>& expected) {
  std::map<std::string_view, const Tensor*> wanted;
  for (const nn::NamedTensor& tensor : expected) wanted[tensor.name] = &tensor.value;
  for (const auto& [name, tensor] : wanted) {
    const auto found = values.find(std::string(name));
    if (found == values.end()) throw FormatError(fmt::format("tensor '{}' is missing", name));
    if (found->second.shape() != tensor->shape()) {
      throw FormatError(fmt::format("tensor '{}' has shape {}, expected {}", name,
                                    to_string(found->second.shape()), to_string(tensor->shape())));
    }
  }
  for (const auto& [name, tensor] : values) {
    if (wanted.count(name) == 0) {
      throw FormatError(fmt::format("tensor '{}' does not belong to this model", shown(name)));
    }
  }
}

void check_finite(const std::map<std::string, Tensor>& values, std::string_view prefix) {
  for (const auto& [name, tensor] : values) {
    if (const std::optional<double> value = first_not_finite(tensor)) {
      throw FormatError(fmt::format(
          "tensor '{}{}' holds {}, expected finite numbers in the range of f32; take the weights from before "
          "training went wrong",
          prefix, name, *value));
    }
  }
}

bool counts_batches(std::string_view name) {
  return name == "num_batches_tracked" || name.ends_with(".num_batches_tracked");
}

/// The tensors of the checkpoint that belong to `state`, and the names that are left over.
struct Selection {
  std::map<std::string, Tensor> values;
  std::vector<std::string> left;
};

Selection select(const Checkpoint& checkpoint, const std::vector<nn::NamedTensor>& state) {
  Selection selection;
  for (const nn::NamedTensor& own : state) {
    const auto found = checkpoint.model.find(own.name);
    const bool there = found != checkpoint.model.end();
    if (there && (!counts_batches(own.name) ||
                  (found->second.shape() == own.value.shape() && !is_floating(found->second.dtype())))) {
      selection.values.emplace(*found);
    } else if (counts_batches(own.name)) {
      selection.values.emplace(own.name, Tensor::zeros(own.value.shape(), own.value.dtype()));
      if (there) selection.left.push_back(own.name);
    } else if (const auto unread = checkpoint.unread.find(own.name); unread != checkpoint.unread.end()) {
      throw FormatError(fmt::format("tensor '{}' is {}, expected one of {} and at most {} axes", own.name,
                                    unread->second, readable_types(), Shape::kMaxRank));
    }
  }
  for (const auto& [name, tensor] : checkpoint.model) {
    if (selection.values.count(name) == 0) selection.left.push_back(shown(name));
  }
  for (const auto& [name, type] : checkpoint.unread)
    selection.left.push_back(fmt::format("{} ({})", shown(name), type));
  return selection;
}

void add_masks(const nn::Module& model, std::vector<nn::NamedTensor>& tensors) {
  for (const auto& layer : model.contractions()) {
    const Contraction::Masks masks = layer->masks();
    if (masks.ff.defined()) tensors.push_back({fmt::format("{}{}.ff", kMask, layer->name()), masks.ff});
    if (masks.bp.defined()) tensors.push_back({fmt::format("{}{}.bp", kMask, layer->name()), masks.bp});
  }
}

void hold_masks(const Checkpoint& checkpoint, const nn::Module& model) {
  const auto mask = [&](const std::string& name) {
    const auto found = checkpoint.masks.find(name);
    return found == checkpoint.masks.end() ? Tensor() : found->second;
  };
  for (const auto& layer : model.contractions())
    layer->hold({mask(layer->name() + ".ff"), mask(layer->name() + ".bp")});
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const nn::Module& model,
                     const optim::Optimizer* optimizer, const CheckpointInfo& info,
                     const CheckpointExtras& extras) {
  std::vector<nn::NamedTensor> tensors = model.state();
  if (optimizer != nullptr) {
    for (const nn::NamedTensor& tensor : optimizer->state()) {
      tensors.push_back({fmt::format("{}{}", kOptimizer, tensor.name), tensor.value});
    }
    add_masks(model, tensors);
  }
  if (extras.ema != nullptr) {
    for (const nn::NamedTensor& tensor : *extras.ema)
      tensors.push_back({fmt::format("{}{}", kEma, tensor.name), tensor.value});
  }
  if (extras.epoch_masks != nullptr) {
    for (const auto& [layer, positions] : *extras.epoch_masks)
      tensors.push_back({fmt::format("{}{}", kEpochMask, layer), positions});
  }
  CheckpointInfo filled = info;
  filled.optimizer = {};
  if (optimizer != nullptr) filled.optimizer = {std::string(optimizer->kind().name), optimizer->steps()};
  filled.generators.clear();
  for (const auto& rng : model.generators()) filled.generators.push_back(rng->position());
  write_safetensors(path, tensors, to_metadata(filled));
}

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  SafeTensors file = read_safetensors(path);
  Checkpoint checkpoint;
  checkpoint.path = path;
  for (auto& [name, tensor] : file.tensors) {
    if (name.starts_with(kOptimizer)) {
      checkpoint.optimizer.emplace(name.substr(kOptimizer.size()), std::move(tensor));
    } else if (name.starts_with(kMask)) {
      checkpoint.masks.emplace(name.substr(kMask.size()), std::move(tensor));
    } else if (name.starts_with(kEma)) {
      checkpoint.ema.emplace(name.substr(kEma.size()), std::move(tensor));
    } else if (name.starts_with(kEpochMask)) {
      checkpoint.epoch_masks.emplace(name.substr(kEpochMask.size()), std::move(tensor));
    } else {
      checkpoint.model.emplace(name, std::move(tensor));
    }
  }
  checkpoint.unread = std::move(file.unread);
  if (file.metadata.count(kVersionKey) == 0) return checkpoint;
  try {
    checkpoint.info = info_from(file.metadata);
    if (file.metadata.count("optimizer") == 0) renew(checkpoint);
  } catch (const std::exception& error) {
    throw FormatError(fmt::format("{}: bad metadata: {}", path.string(), error.what()));
  }
  return checkpoint;
}

std::vector<std::string> restore(const Checkpoint& checkpoint, nn::Module& model) {
  try {
    Selection selection = select(checkpoint, model.state());
    check_finite(selection.values, "");
    model.load_state(selection.values);
    return std::move(selection.left);
  } catch (const FormatError& error) {
    throw FormatError(fmt::format("{}: {}", checkpoint.path.string(), error.what()));
  }
}

void restore(const Checkpoint& checkpoint, nn::Module& model, optim::Optimizer& optimizer) {
  const std::vector<std::shared_ptr<Rng>> generators = model.generators();
  try {
    const std::size_t positions = checkpoint.info ? checkpoint.info->generators.size() : 0;
    if (positions != generators.size()) {
      throw FormatError(fmt::format("it has the positions of {} random generators, expected {}", positions,
                                    generators.size()));
    }
    // Each of the two looks before it writes; the model is looked at first, too, so that both or none are
    // changed.
    for (const auto& [name, type] : checkpoint.unread)
      throw FormatError(fmt::format("tensor '{}' is {}, which no checkpoint has", shown(name), type));
    check_fits(checkpoint.model, model.state());
    check_finite(checkpoint.model, "");
    check_finite(checkpoint.optimizer, kOptimizer);
    check_finite(checkpoint.ema, kEma);
    const OptimizerInfo& info = checkpoint.info->optimizer;
    if (info.name != optimizer.kind().name) {
      throw FormatError(info.name.empty()
                            ? std::string("it has no state of an optimiser")
                            : fmt::format("it has the state of optimizer '{}', expected that of '{}'",
                                          info.name, optimizer.kind().name));
    }
    optimizer.load_state(checkpoint.optimizer, info.steps);
  } catch (const FormatError& error) {
    throw FormatError(fmt::format("{}: {}", checkpoint.path.string(), error.what()));
  }
  restore(checkpoint, model);
  try {
    hold_masks(checkpoint, model);
  } catch (const FormatError& error) {
    throw FormatError(fmt::format("{}: {}", checkpoint.path.string(), error.what()));
  }
  for (std::size_t i = 0; i < generators.size(); ++i) generators[i]->seek(checkpoint.info->generators[i]);
}

}  // namespace satsuma::train
