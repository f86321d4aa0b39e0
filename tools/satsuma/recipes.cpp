#include "tools/satsuma/recipes.hpp"

#include <fmt/core.h>

#include <cstdint>
#include <memory>

#include "satsuma/core/error.hpp"
#include "satsuma/train/progress.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/data_files.hpp"
#include "tools/satsuma/file_text.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string name;
  bool json = false;
};

/// What was measured of recipes that were run, by name: recorded.json beside them.
Json read_records() {
  Json records = parse_json(text_of(shipped_file("recipes/recorded.json")).value_or(""));
  if (!records.is_object())
    throw FormatError("recipes/recorded.json is missing or damaged; install Satsuma anew");
  return records;
}

Json describe(const std::string& name, const Json& records) {
  const auto path = shipped_or_given("recipes", name);
  const train::Recipe recipe = train::read_recipe(path);
  const auto record = records.find(name);
  return {{"name", name},          {"model", recipe.model},
          {"data", recipe.data},   {"method", recipe.method},
          {"nm", recipe.nm},       {"epochs", recipe.epochs},
          {"file", path.string()}, {"recorded", record == records.end() ? Json() : *record}};
}

std::string accuracy_text(const Json& record) {
  return record.is_null() ? "not run" : fmt::format("{:.2f} %", 100 * record["test_accuracy"].get<double>());
}

std::string time_text(const Json& record) {
  return record.is_null() ? "-" : train::format_duration(record["seconds"].get<double>());
}

void print(const Json& recipe) {
  const Json& record = recipe["recorded"];
  fmt::print("{}: {} on {}, {} {}, {} epochs\n", recipe["name"].get<std::string>(),
             recipe["model"].get<std::string>(), recipe["data"].get<std::string>(),
             recipe["method"].get<std::string>(), recipe["nm"].get<std::string>(),
             recipe["epochs"].get<std::int64_t>());
  if (record.is_null()) {
    fmt::print("  not run yet: there is no accuracy on record\n");
  } else {
    fmt::print("  {} of the test images, {} of training on {}, {}\n", accuracy_text(record),
               time_text(record), record["machine"].get<std::string>(), record["date"].get<std::string>());
  }
  fmt::print("  {}\n", recipe["file"].get<std::string>());
  fmt::print("Run it: satsuma train --config {}\n", recipe["name"].get<std::string>());
}

int list(const Settings& settings) {
  const Json records = read_records();
  if (!settings.name.empty()) {
    const Json recipe = describe(settings.name, records);
    settings.json ? print_json(recipe) : print(recipe);
    return 0;
  }
  Json all = Json::array();
  using Align = Table::Align;
  Table table({"recipe", "model", "data", "N:M", "accuracy", "training", "machine"},
              {Align::left, Align::left, Align::left, Align::left, Align::right, Align::right, Align::left});
  for (const std::string& name : shipped_names("recipes")) {
    const Json recipe = describe(name, records);
    const Json& record = recipe["recorded"];
    table.add({name, recipe["model"].get<std::string>(), recipe["data"].get<std::string>(),
               recipe["nm"].get<std::string>(), accuracy_text(record), time_text(record),
               record.is_null() ? "-" : record["machine"].get<std::string>()});
    all.push_back(recipe);
  }
  settings.json ? print_json({{"recipes", all}}) : table.print();
  return 0;
}

}  // namespace

void add_recipes(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command(
      "recipes", "List the recipes that come with Satsuma, and what was measured of those that were run");
  command.add_option("NAME", settings->name, "show this recipe only");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma recipes resnet9-fashion-mnist-bdwp");
  command.run([settings] { return list(*settings); });
}

}  // namespace satsuma::tools
