#include "tools/satsuma/compare/run_state.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>

#include "satsuma/core/error.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/file_text.hpp"

namespace satsuma::tools::compare {

std::optional<double> number_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

double number(const Json& object, const char* key, double otherwise) {
  return number_in(object, key).value_or(otherwise);
}

bool is_finished(const Json& result) {
  return result.is_object() && number_in(result, "test_accuracy") && !is_interrupted(result);
}

bool is_interrupted(const Json& result) {
  return result.is_object() && result.value("interrupted", Json()) == true;
}

std::vector<EpochRecord> read_epochs(const std::filesystem::path& directory) {
  std::ifstream file(directory / "log.jsonl");
  std::vector<EpochRecord> epochs;
  double macs = 0;
  for (std::string line; std::getline(file, line);) {
    const Json record = parse_json(line);
    if (!record.is_object() || record.value("kind", Json()) != "epoch") continue;
    macs += number(record, "macs", 0);
    epochs.push_back({static_cast<std::int64_t>(std::clamp(number(record, "epoch"), 0., 1e15)),
                      number_in(record, "val_accuracy"), number(record, "seconds", 0), macs});
  }
  return epochs;
}

RunState state_of(const train::StudyRun& run) {
  const RunFiles files(run);
  RunState state;
  // Files are replaced whole; one that is damaged is of another origin, and the run is made again.
  if (const auto text = text_of(files.result())) {
    const Json result = parse_json(*text);
    if (is_finished(result)) state.result = result;
  }
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
