#include "tools/satsuma/command_table.hpp"

#include <CLI/CLI.hpp>
#include <sstream>

#include "datasets/registry.hpp"
#include "models/registry.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/sat/workload.hpp"
#include "satsuma/sparse/method.hpp"

namespace satsuma::tools {

namespace {

template <typename Entries>
std::vector<std::string> names_of(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.emplace_back(entry.name);
  return names;
}

/// Values of an option, or of the NAME of a command that lists things.
std::vector<std::string> words_of(const std::string& option, const std::string& command) {
  const std::string what = option == "NAME" ? command : option;
  if (what == "--model" || what == "models") return names_of(models::entries());
  if (what == "--data" || what == "datasets") return names_of(datasets::entries());
  if (what == "--device" || what == "devices" || what == "test") return names_of(device_entries());
  if (what == "--method" || what == "--methods" || what == "methods") {
    std::vector<std::string> names;
    for (const Method* method : methods()) names.emplace_back(method->name);
    return names;
  }
  if (what == "SHELL") return {"bash", "zsh", "fish"};
  if (what == "--format") return {"onnx", "safetensors", "2:4"};
  if (what == "--precision") return {"auto", "fp32", "bf16", "fp16"};
  if (what == "--schedule-per") return {"step", "epoch"};
  return {};
}

/// CLI11 shows the choices of an option in its type: `TEXT:{ws,os}`.
void take_choices(OptionRow& row) {
  const std::size_t open = row.value.find(":{");
  if (open == std::string::npos || row.value.back() != '}') return;
  std::istringstream choices(row.value.substr(open + 2, row.value.size() - open - 3));
  row.words.clear();
  for (std::string word; std::getline(choices, word, ',');) row.words.push_back(word);
  row.value.resize(open);
}

OptionRow row_of(const CLI::Option& option, const CLI::App& app) {
  OptionRow row;
  row.positional = option.get_positional();
  for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  if (row.positional) row.names = {option.get_name(true, false)};
  row.description = option.get_description();
  row.group = option.get_group();
  if (option.get_items_expected_max() > 0) {
    row.value = option.get_type_name().empty() ? "TEXT" : option.get_type_name();
    row.default_value = option.get_default_str();
    // Lists are shown as [a,b].
    if (row.default_value.starts_with('['))
      row.default_value = row.default_value.substr(1, row.default_value.size() - 2);
    row.words = words_of(row.names.back(), app.get_name());
    take_choices(row);
  }
  return row;
}

CommandRow row_of(const CLI::App& app, const std::string& before) {
  CommandRow row;
  row.path = before + app.get_name();
  row.name = app.get_name();
  row.summary = app.get_description();
  row.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) row.options.push_back(row_of(*option, app));
  }
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (!sub->get_group().empty()) row.subcommands.push_back(row_of(*sub, row.path + " "));
  }
  return row;
}

}  // namespace

CommandRow command_table(const Command& program) {
  return row_of(program.app(), "");
}

std::vector<const CommandRow*> all_commands(const CommandRow& row) {
  std::vector<const CommandRow*> all = {&row};
  for (const CommandRow& sub : row.subcommands) {
    for (const CommandRow* each : all_commands(sub)) all.push_back(each);
  }
  return all;
}

}  // namespace satsuma::tools
