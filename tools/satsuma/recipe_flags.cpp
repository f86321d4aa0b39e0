#include "tools/satsuma/recipe_flags.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace satsuma::tools {

void RecipeFlags::add_switch(CLI::App& command, const train::RecipeField& field) {
  const std::string key(field.key);
  const std::string help(field.help);
  CLI::Option* const on = command.add_flag("--" + key)->description(help);
  CLI::Option* const off = command.add_flag("--no-" + key)->description("no " + help);
  // Help shows the one that changes something; the other is there to override a recipe file.
  const bool is_on = field.text(train::Recipe{}) == "true";
  (is_on ? off : on)->group(std::string(field.group));
  (is_on ? on : off)->group("");
  flags_.push_back({&field, on});
  flags_.push_back({&field, off, true});
}

void RecipeFlags::add(CLI::App& command, const train::RecipeField& field) {
  CLI::Option* const option = command.add_option("--" + std::string(field.key));
  option->description(std::string(field.help));
  option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  if (field.is_list()) option->take_all();
  option->default_str(field.text(train::Recipe{}));
  option->type_name(field.is_number() ? "NUMBER" : "TEXT");
  option->group(std::string(field.group));
  flags_.push_back({&field, option});
}

void RecipeFlags::add_to(CLI::App& command, const std::vector<std::string_view>& keys) {
  for (const train::RecipeField& field : train::recipe_fields()) {
    if (!keys.empty() && std::find(keys.begin(), keys.end(), field.key) == keys.end()) continue;
    if (field.is_switch()) {
      add_switch(command, field);
    } else {
      add(command, field);
    }
  }
}

train::Recipe RecipeFlags::apply(train::Recipe base) const {
  for (const Flag& flag : flags_) {
    if (flag.option->count() == 0) continue;
    if (flag.field->is_switch()) {
      flag.field->set(base, flag.switches_off ? "false" : "true");
      continue;
    }
    if (flag.field->is_list()) flag.field->clear(base);
    for (const std::string& typed : flag.option->results()) flag.field->set(base, typed);
  }
  return base;
}

bool RecipeFlags::given(std::string_view key) const {
  return std::any_of(flags_.begin(), flags_.end(),
                     [&](const Flag& flag) { return flag.field->key == key && flag.option->count() > 0; });
}

}  // namespace satsuma::tools
