#include "tools/satsuma/info.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <memory>

#include "satsuma/core/error.hpp"
#include "satsuma/nn/trace.hpp"
#include "satsuma/train/fine_tuning.hpp"
#include "satsuma/train/placement.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/kept_values.hpp"
#include "tools/satsuma/layers.hpp"
#include "tools/satsuma/model_settings.hpp"
#include "tools/satsuma/plugin_flags.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  ModelSettings model;
  RecipeFlags flags;
  PluginFlags plugins;
  bool json = false;
};

struct Report {
  std::vector<Layer> layers;
  std::vector<std::int64_t> parameters;  ///< of each layer, bias included
  std::int64_t all_parameters = 0;
  std::int64_t trained_parameters = 0;
  std::int64_t kept_bytes = 0;  ///< activations of one image
  PassMacs dense;
  PassMacs method;

  /// Share of the multiply-adds of a dense step that the method does not execute, in [0, 1].
  double saving() const {
    return dense.sum() > 0 ? 1.0 - static_cast<double>(method.sum()) / static_cast<double>(dense.sum()) : 0.0;
  }
};

void add(PassMacs& sum, const PassMacs& macs) {
  sum.ff += macs.ff;
  sum.bp += macs.bp;
  sum.wu += macs.wu;
}

Report examine(const Settings& settings, const train::Recipe& recipe) {
  Report report;
  ModelSettings made = settings.model;
  made.recompute = recipe.recompute;
  const std::shared_ptr<nn::Module> model = made.create_shapes();
  if (!recipe.freeze.empty()) train::freeze(*model, recipe.freeze);
  const Shape input = made.options().input;
  const Trace trace = nn::trace(*model, {1, input[0], input[1], input[2]});
  report.layers = layers_of(*model, trace);
  report.kept_bytes = kept_bytes(trace);
  train::configure_layers(*model, recipe.layer_options());
  for (const Layer& layer : report.layers) {
    std::int64_t count = 0;
    for (const nn::Parameter& parameter : model->parameters()) {
      const std::size_t dot = parameter.name.rfind('.');
      if (dot != std::string::npos && parameter.name.substr(0, dot) == layer.contraction->name()) {
        count += parameter.value.numel();
      }
    }
    report.parameters.push_back(count);
    add(report.dense, layer.dense_macs());
    add(report.method, layer.macs());
  }
  for (const nn::Parameter& parameter : model->parameters()) {
    report.all_parameters += parameter.value.numel();
    if (parameter.value.requires_grad()) report.trained_parameters += parameter.value.numel();
  }
  return report;
}

std::vector<std::int64_t> extents(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

Json operand_json(const OperandPlan& operand) {
  Json json = {{"kind", to_string(operand.kind)}};
  if (operand.bits != 0) json["bits"] = operand.bits;
  if (operand.kind == OperandKind::dense) return json;
  json["nm"] = to_string(operand.pattern);
  json["axis"] = to_string(operand.axis);
  return json;
}

Json passes_json(const Contraction& contraction) {
  Json passes;
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
    const PassPlan& plan = contraction.plan()[pass];
    passes[std::string(to_string(pass))] = {{"run", plan.run},
                                            {"weight", operand_json(plan.weight)},
                                            {"gradient", operand_json(plan.gradient)},
                                            {"reason", plan.reason},
                                            {"device", contraction.device(pass).name()}};
  }
  return passes;
}

Json to_json(const Settings& settings, const train::Recipe& recipe, const Report& report) {
  Json layers = Json::array();
  for (std::size_t i = 0; i < report.layers.size(); ++i) {
    const Layer& layer = report.layers[i];
    const Contraction& contraction = *layer.contraction;
    const LayerPlan& plan = contraction.plan();
    const PassMacs macs = layer.macs();
    const PassMacs dense = layer.dense_macs();
    layers.push_back({{"name", contraction.name()},
                      {"weight", extents(contraction.weight().shape())},
                      {"output", extents(layer.output)},
                      {"parameters", report.parameters[i]},
                      {"trained", layer.trained},
                      {"recomputed", layer.recomputed},
                      {"sparse", plan.sparse()},
                      {"transposable", plan.transposable},
                      {"reason", plan.dense_reason()},
                      {"passes", passes_json(contraction)},
                      {"ff_macs", macs.ff},
                      {"bp_macs", macs.bp},
                      {"wu_macs", macs.wu},
                      {"dense_macs", dense.sum()}});
  }
  return {{"model", settings.model.model},
          {"input", extents(settings.model.options().input)},
          {"method", recipe.method},
          {"nm", recipe.nm},
          {"wu", recipe.wu},
          {"layers", layers},
          {"totals",
           {{"parameters", report.all_parameters},
            {"trained_parameters", report.trained_parameters},
            {"kept_bytes", report.kept_bytes},
            {"ff_macs", report.method.ff},
            {"bp_macs", report.method.bp},
            {"wu_macs", report.method.wu},
            {"dense_macs", report.dense.sum()},
            {"method_macs", report.method.sum()},
            {"saving", report.saving()}}}};
}

/// What of a pass is not dense, `2:8`, `dY 2:8`, `masked 2:8`, or why nothing is; and what else is done to
/// its operands.
std::string pass_text(const PassPlan& pass) {
  std::string text;
  if (pass.gradient.skips()) {
    text = fmt::format("dY {}", to_string(pass.gradient.pattern));
  } else if (pass.weight.skips()) {
    text = to_string(pass.weight.pattern);
  } else if (pass.weight.kind == OperandKind::masked) {
    text = fmt::format("masked {}", to_string(pass.weight.pattern));
  } else {
    text = fmt::format("dense ({})", pass.reason);
  }
  if (pass.weight.bits != 0) text += fmt::format(" of {} bits", pass.weight.bits);
  return text;
}

std::string nm_column(const LayerPlan& plan) {
  if (!plan.sparse()) return "dense: " + plan.dense_reason();
  std::vector<std::string> parts;
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
    // That WU is dense is the rule; which passes are not run has a column of its own.
    if (!plan[pass].run || (pass == Pass::wu && !plan[pass].skips())) continue;
    parts.push_back(fmt::format("{} {}", to_string(pass), pass_text(plan[pass])));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void print(const Settings& settings, const train::Recipe& recipe, const Report& report) {
  using enum Table::Align;
  const auto count = [](std::int64_t n) { return short_count(static_cast<double>(n)); };
  fmt::print("{}, input {}, method {}{}; multiply-adds of one image\n\n", settings.model.model,
             fmt::join(settings.model.options().input, "x"), recipe.method,
             recipe.method == "dense" ? "" : " " + recipe.nm);
  Table table({"layer", "weight", "output", "parameters", "FF", "BP", "WU", "N:M"},
              {left, left, left, right, right, right, right, left});
  for (std::size_t i = 0; i < report.layers.size(); ++i) {
    const Layer& layer = report.layers[i];
    const PassMacs macs = layer.macs();
    table.add({layer.contraction->name(),
               fmt::format("{}", fmt::join(layer.contraction->weight().shape(), "x")),
               fmt::format("{}", fmt::join(layer.output, "x")), count(report.parameters[i]), count(macs.ff),
               layer.passes_back && layer.contraction->plan()[Pass::bp].run ? count(macs.bp) : "-",
               layer.trained ? count(macs.wu) : "-", nm_column(layer.contraction->plan())});
  }
  table.add({"total", "", "", count(report.all_parameters), count(report.method.ff), count(report.method.bp),
             count(report.method.wu), ""});
  table.print();
  fmt::print("\nA training step: {} multiply-adds an image; dense {}; saving {:.1f} %.\n",
             count(report.method.sum()), count(report.dense.sum()), 100 * report.saving());
  fmt::print(
      "Trained: {} of {} parameters. Kept for the backward pass: {} of activations an image, in fp32.\n",
      count(report.trained_parameters), count(report.all_parameters),
      short_bytes(static_cast<std::size_t>(report.kept_bytes)));
  if (recipe.recompute) fmt::print("FF of blocks that are computed again is counted twice.\n");
  fmt::print(
      "BP of a layer that reads the image is never run and counted nowhere. The total of parameters "
      "includes\n"
      "normalisation and biases.\n");
}

int run_info(const Settings& settings) {
  settings.plugins.load();
  const train::Recipe recipe = settings.flags.apply({});
  recipe.check();
  if (recipe.budget_macs) {
    throw UsageError(
        "--budget-macs chooses by gradients of the training set, which info has none of: satsuma train "
        "prints the choice as it begins and keeps it in config.toml; give that as --nm-for");
  }
  const Report report = examine(settings, recipe);
  if (settings.json) {
    print_json(to_json(settings, recipe, report));
  } else {
    print(settings, recipe, report);
  }
  return 0;
}

}  // namespace

void add_info(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command(
      "info", "Account for every layer of a model: size, operations, what is sparse and why not");
  settings->model.add_to(command);
  settings->flags.add_to(command, {"method", "nm", "wu", "bp", "ff-bits", "nm-for", "budget-macs", "dense",
                                   "device", "place", "precision", "freeze", "recompute"});
  settings->plugins.add_to(command);
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma info --model resnet18 --method bdwp --nm 2:8");
  command.run([settings] { return run_info(*settings); });
}

}  // namespace satsuma::tools
