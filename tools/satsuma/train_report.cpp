#include "tools/satsuma/train_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <string>

#include "satsuma/core/parallel.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/file_text.hpp"
#include "tools/satsuma/proposal.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

using train::Recipe;

std::int64_t count_parameters(const nn::Module& model) {
  std::int64_t count = 0;
  for (const nn::Parameter& parameter : model.parameters()) count += parameter.value.numel();
  return count;
}

std::int64_t count_fallbacks(const nn::Module& model) {
  std::int64_t count = 0;
  for (const auto& layer : model.contractions()) count += layer->fallbacks();
  return count;
}

std::string method_text(const Recipe& recipe) {
  std::string text = recipe.method;
  const std::string& nm = recipe.nm_schedule.empty() ? recipe.nm : recipe.nm_schedule;
  if (recipe.method != "dense") text += " " + nm;
  return recipe.wu == "dense" ? text : fmt::format("{}, WU {}", text, recipe.wu);
}

/// `54000 training, 6000 validation and 10000 test`.
std::string parts_text(const train::ExperimentData& data) {
  std::string text = fmt::format("{} training", data.train->size());
  if (data.validation)
    text += fmt::format("{} {} validation", data.test ? "," : " and", data.validation->size());
  if (data.test) text += fmt::format(" and {} test", data.test->size());
  return text;
}

}  // namespace

void describe(const Recipe& recipe, const nn::Module& model, const train::ExperimentData& data,
              std::int64_t steps, train::Progress& progress) {
  std::int64_t sparse = 0;
  const auto layers = model.contractions();
  for (const auto& layer : layers) sparse += layer->plan().sparse() ? 1 : 0;
  progress.say(fmt::format("{} ({} parameters) on {} ({} images of {}), {}", recipe.model,
                           short_count(static_cast<double>(count_parameters(model))), recipe.data,
                           parts_text(data), fmt::join(data.input, "x"), threads_text()));
  progress.say(fmt::format("{}, {} of {} layers sparse; {}; {} epoch{} of {} steps", method_text(recipe),
                           sparse, layers.size(), recipe.device, recipe.epochs, recipe.epochs == 1 ? "" : "s",
                           steps));
  if (!data.validation) progress.say("no validation set: the last weights are the best");
}

namespace {

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

Json to_json(const Recipe& recipe, const train::ExperimentData& data, const nn::Module& model,
             const train::RunDirectory& directory, const train::Outcome& outcome,
             const distributed::Communicator& ranks) {
  const train::TrainingState& state = outcome.state;
  const auto& test = outcome.test;
  const auto& validation = outcome.validation;
  return {{"test_accuracy", test ? Json(test->top1) : Json()},
          {"test_loss", test ? Json(test->loss) : Json()},
          {"test_top5", test ? Json(test->top5) : Json()},
          {"test_calibration_error", test ? Json(test->calibration_error) : Json()},
          {"tested", test ? Json(outcome.tested.string()) : Json()},
          {"val_accuracy", validation ? Json(validation->top1) : Json()},
          {"val_loss", validation ? Json(validation->loss) : Json()},
          {"val_top5", validation ? Json(validation->top5) : Json()},
          {"best_val_accuracy", number_or_null(state.best_accuracy)},
          {"best_epoch", state.best_epoch > 0 ? Json(state.best_epoch) : Json()},
          {"train_loss", number_or_null(outcome.train_loss)},
          {"images_per_second", state.total.images_per_second()},
          {"steps", state.step},
          {"epochs", state.epoch},
          {"seconds", state.total.seconds},
          {"macs", state.total.work.macs()},
          {"pass_macs",
           {{"FF", state.total.work.pass_macs[0]},
            {"BP", state.total.work.pass_macs[1]},
            {"WU", state.total.work.pass_macs[2]}}},
          {"dense_macs", state.total.work.dense_macs},
          {"saving", train::saving(state.total.work)},
          {"device_seconds", state.total.work.device_seconds()},
          {"joules", state.total.work.joules()},
          {"kernel_seconds", state.total.work.kernel_seconds()},
          {"transfer_seconds", state.total.work.transfer_seconds()},
          {"bytes_moved", state.total.work.bytes_moved},
          {"fallbacks", count_fallbacks(model)},
          {"loss_scale", state.loss_scale ? Json(state.loss_scale->value) : Json()},
          {"skipped_steps", state.loss_scale ? state.loss_scale->skipped : 0},
          {"interrupted", outcome.signal != 0 || outcome.out_of_time},
          {"stopped_by", outcome.signal != 0       ? Json("signal")
                         : outcome.out_of_time     ? Json("max-time")
                         : outcome.out_of_patience ? Json("patience")
                                                   : Json()},
          {"batch_size", recipe.batch_size},
          {"model", recipe.model},
          {"input", std::vector<std::int64_t>(data.input.begin(), data.input.end())},
          {"classes", data.classes},
          {"data", recipe.data},
          {"method", recipe.method},
          {"nm", recipe.nm},
          {"ranks", ranks.size()},
          {"threads", threads()},
          {"checkpoint", directory.last().string()},
          {"best_checkpoint", is_there(directory.best()) ? Json(directory.best().string()) : Json()},
          {"out", directory.path().string()}};
}

void summarise(const Recipe& recipe, const train::ExperimentData& data, const train::RunDirectory& directory,
               const train::Outcome& outcome, train::Progress& progress) {
  const train::TrainingState& state = outcome.state;
  const std::string out = shell_quoted(directory.path());
  if (outcome.signal != 0 || outcome.out_of_time) {
    const std::string by = outcome.signal != 0 ? fmt::format("signal {}", outcome.signal)
                                               : fmt::format("--max-time {}", recipe.max_time);
    progress.say(fmt::format("stopped by {} after step {}; continue with: satsuma train --resume --out {}",
                             by, state.step, out));
    return;
  }
  progress.say("");
  if (outcome.out_of_patience) {
    progress.say(fmt::format("ended early     {} epochs without a better validation accuracy",
                             state.epochs_since_best));
  }
  const bool trained = state.step > 0;
  if (outcome.validation) {
    progress.say(
        fmt::format("validation      {:.2f} % of {} images at the end, {:.2f} % at best, in epoch {}",
                    100 * outcome.validation->top1, outcome.validation->count,
                    100 * state.best_accuracy.value_or(outcome.validation->top1), state.best_epoch));
  }
  if (outcome.test) {
    const std::string tested = outcome.tested.filename().string();
    progress.say(fmt::format(
        "test accuracy   {:.2f} % of {} images, top-5 {:.2f} %, with {}{}", 100 * outcome.test->top1,
        outcome.test->count, 100 * outcome.test->top5, tested,
        outcome.validation && outcome.tested == directory.best() ? ", the best on validation" : ""));
  }
  if (trained) {
    progress.say(fmt::format("speed           {:.0f} images/s, {} of training in {} steps",
                             state.total.images_per_second(), train::format_duration(state.total.seconds),
                             state.step));
    progress.say(fmt::format("multiply-adds   {}, dense {}: {:.1f} % saved",
                             short_count(static_cast<double>(state.total.work.macs())),
                             short_count(static_cast<double>(state.total.work.dense_macs)),
                             100 * train::saving(state.total.work)));
  }
  if (const train::Work& work = state.total.work; work.device_nanoseconds > 0) {
    progress.say(fmt::format("on the card     {:.3g} s and {:.3g} J of training, modelled",
                             work.device_seconds(), work.joules()));
  }
  progress.say(fmt::format("written to      {}", directory.path().string()));
  if (!trained) return;
  progress.say("try next");
  const std::filesystem::path best = is_there(directory.best()) ? directory.best() : directory.last();
  progress.say(fmt::format("  satsuma eval --checkpoint {}", shell_quoted(best)));
  const char* const other = recipe.method == "dense" ? "bdwp" : "dense";
  progress.say(fmt::format("  satsuma train --config {} --method {} --out {}",
                           shell_quoted(directory.config()), other,
                           shell_quoted(beside(directory.path(), fmt::format("-{}", other)))));
  progress.say(fmt::format("  satsuma info --model {} --width {} --input {} --method {} --nm {}",
                           recipe.model, recipe.width, fmt::join(data.input, "x"), recipe.method, recipe.nm));
  progress.say(fmt::format("  satsuma report {}", out));
}

}  // namespace satsuma::tools
