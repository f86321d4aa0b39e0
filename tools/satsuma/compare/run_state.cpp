#include "tools/satsuma/compare/run_state.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

#include "satsuma/core/error.hpp"
#include "src/core/nesting.hpp"
#include "tools/satsuma/file_text.hpp"

namespace satsuma::tools::compare {

bool has_number(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number();
}

double number(const Json& object, const char* key, double otherwise) {
  return has_number(object, key) ? object[key].get<double>() : otherwise;
}

std::optional<Json> finished_result(const std::string& text) {
  const Json result = parse_json<Json>(text);
  if (!result.is_object() || !has_number(result, "test_accuracy")) return std::nullopt;
  if (result.value("interrupted", false)) return std::nullopt;
  return result;
}

std::vector<EpochRecord> read_epochs(const std::filesystem::path& directory) {
  std::ifstream file(directory / "log.jsonl");
  std::vector<EpochRecord> epochs;
  double macs = 0;
  for (std::string line; std::getline(file, line);) {
    const Json record = parse_json<Json>(line);
    if (!record.is_object() || record.value("kind", Json()) != "epoch") continue;
    macs += number(record, "macs", 0);
    std::optional<double> accuracy;
    if (has_number(record, "val_accuracy")) accuracy = number(record, "val_accuracy");
    epochs.push_back({static_cast<std::int64_t>(std::clamp(number(record, "epoch"), 0., 1e15)), accuracy,
                      number(record, "seconds", 0), macs});
  }
  return epochs;
}

RunState state_of(const train::StudyRun& run) {
  const RunFiles files(run);
  RunState state;
  // Files are replaced whole; one that is damaged is of another origin, and the run is made again.
  if (const auto text = text_of(files.result())) state.result = finished_result(*text);
  if (const auto text = text_of(files.failure()); text && !state.finished()) {
    state.failure = text->substr(0, text->find_last_not_of(" \n") + 1);
    if (state.failure.empty()) state.failure = "without a word";
  }
  state.log = read_epochs(files.directory());
  return state;
}

void check_same_settings(const train::StudyRun& run) {
  const RunFiles files(run);
  if (!is_there(files.recipe())) return;
  train::Recipe before = train::read_recipe(files.recipe());
  train::Recipe now = run.recipe;
  before.fill_defaults();
  now.fill_defaults();
  std::vector<std::string> differences;
  for (const train::RecipeField& field : train::recipe_fields()) {
    if (field.traits.same_result) continue;
    const std::string was = field.text(before);
    const std::string is = field.text(now);
    if (was != is) differences.push_back(fmt::format("{} was '{}' and is '{}'", field.key, was, is));
  }
  if (differences.empty()) return;
  throw UsageError(
      fmt::format("{} holds this run under other settings: {}; take another --out, or the same settings",
                  files.directory().string(), fmt::join(differences, "; ")));
}

}  // namespace satsuma::tools::compare
