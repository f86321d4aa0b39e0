#include "tools/satsuma/export.hpp"

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/export/onnx.hpp"
#include "satsuma/export/weights.hpp"
#include "satsuma/train/experiment.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/recipe_flags.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/trained.hpp"
#include "tools/satsuma/weights.hpp"

namespace satsuma::tools {

namespace {

enum class Format : std::uint8_t { onnx, safetensors, semi_structured };

std::string_view to_string(Format format) {
  constexpr std::string_view kNames[] = {"onnx", "safetensors", "2:4"};
  return kNames[static_cast<std::size_t>(format)];
}

struct Settings {
  std::string checkpoint;
  std::string format = "onnx";
  std::string out;
  bool packed = false;
  bool pruned = false;
  bool json = false;
  RecipeFlags flags;
};

Format format_of(const Settings& settings) {
  const Format format = find_named("format", settings.format,
                                   std::array{Format::onnx, Format::safetensors, Format::semi_structured});
  if (format != Format::safetensors && (settings.packed || settings.pruned)) {
    throw UsageError(
        fmt::format("--{} is for --format safetensors; --format {} has the pruned weights in any case",
                    settings.packed ? "packed" : "pruned", settings.format));
  }
  return format;
}

Shape input_of(const train::Checkpoint& checkpoint, const train::Recipe& recipe) {
  return checkpoint.info ? checkpoint.info->input : recipe.input_shape();
}

exports::ModelNotes notes_of(const train::Checkpoint& checkpoint, const train::Recipe& recipe, bool pruned) {
  exports::ModelNotes notes;
  notes.name = recipe.model;
  notes.input = input_of(checkpoint, recipe);
  notes.more = {{"method", pruned ? recipe.method : "dense"}};
  if (pruned) notes.more["nm"] = recipe.nm;
  if (!checkpoint.info) return notes;
  const data::Normalisation normalisation = train::normalisation_of(recipe, notes.input[0]);
  notes.mean = normalisation.mean;
  notes.std = normalisation.std;
  notes.pad = normalisation.pad;
  if (recipe.resize) notes.more["resize"] = fmt::format("{}", *recipe.resize);
  if (recipe.crop) notes.more["crop"] = fmt::format("{}", *recipe.crop);
  notes.class_names = checkpoint.info->class_names;
  notes.more["data"] = recipe.data;
  return notes;
}

int run_export(const Settings& settings) {
  const Format format = format_of(settings);
  const train::Checkpoint checkpoint = train::load_checkpoint(settings.checkpoint);
  const train::Recipe recipe = trained_recipe(checkpoint, settings.flags, {"model", "input", "classes"});
  const std::int64_t classes = checkpoint.info ? checkpoint.info->classes : *recipe.classes;
  const std::shared_ptr<nn::Module> model = train::make_model(recipe, input_of(checkpoint, recipe), classes);
  load_weights(checkpoint, *model, false);
  const bool masters = format == Format::safetensors && !settings.pruned && !settings.packed;
  const bool pruned = is_pruned(*model) && !masters;
  const exports::ModelNotes notes = notes_of(checkpoint, recipe, pruned);

  std::vector<exports::WholeLayer> whole;
  if (format == Format::onnx) {
    exports::write_onnx(settings.out, *model, notes);
  } else if (format == Format::semi_structured) {
    whole = exports::write_semi_structured(settings.out, *model, notes);
  } else if (settings.packed) {
    exports::write_packed(settings.out, *model, notes);
  } else {
    exports::write_weights(settings.out, *model, notes, settings.pruned);
  }

  std::error_code error;  // of what is no file, a pipe
  const auto bytes = std::filesystem::file_size(settings.out, error);
  if (settings.json) {
    Json layers = Json::array();
    for (const exports::WholeLayer& layer : whole)
      layers.push_back({{"name", layer.name}, {"reason", layer.reason}});
    print_json({{"out", settings.out},
                {"format", settings.format},
                {"model", recipe.model},
                {"weights", pruned ? "pruned" : "dense"},
                {"bytes", error ? Json() : Json(bytes)},
                {"whole", layers}});
    return 0;
  }
  fmt::print("{}: {} as {}, {}{}\n", settings.out, recipe.model, settings.format,
             weights_text(pruned, recipe, checkpoint), error ? "" : ", " + short_bytes(bytes));
  for (const exports::WholeLayer& layer : whole)
    fmt::print("  {} is stored whole: {}\n", layer.name, layer.reason);
  return 0;
}

}  // namespace

void add_export(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      program.add_command("export", "Write a checkpoint's model in a form that others read");
  command.add_option("--checkpoint", settings->checkpoint, "safetensors file of a run, or of another program")
      .required();
  command
      .add_option("--format", settings->format,
                  "onnx (opset 17), safetensors (dense masters), or 2:4 (PyTorch's semi-structured tensors)")
      .show_default();
  command.add_option("--out", settings->out, "file to write; one that is there is replaced").required();
  command.add_flag("--pruned", settings->pruned, "safetensors: with zeros where FF keeps nothing");
  command.add_flag("--packed", settings->packed, "safetensors: kept values and their positions alone");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  settings->flags.add_to(command, {"model", "stem", "width", "input", "classes", "method", "nm"});
  command.footer(
      "ONNX and 2:4 hold the weights that FF multiplies with; --method dense exports the dense masters. A "
      "file\n"
      "of another program needs --model, --input and --classes. docs/export.md has the layouts.\n"
      "Example: satsuma export --checkpoint runs/first/best.safetensors --format onnx --out first.onnx");
  command.run([settings] { return run_export(*settings); });
}

}  // namespace satsuma::tools
