#include "tools/satsuma/recipe_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "satsuma/core/parallel.hpp"

namespace satsuma::tools {

void RecipeFlags::add(CLI::App& command, const train::RecipeField& field) {
  const std::string key(field.key);
  const std::string help(field.help);
  if (field.is_switch()) {
    // Help shows the one that changes something; the other overrides a recipe file.
    const bool is_on = field.text(train::Recipe{}) == "true";
    CLI::Option* const on = command.add_flag("--" + key, help);
    CLI::Option* const off = command.add_flag("!--no-" + key, "no " + help);
    (is_on ? off : on)->group(std::string(field.group));
    (is_on ? on : off)->group("");
    options_.emplace_back(&field, on);
    options_.emplace_back(&field, off);
    return;
  }
  CLI::Option* const option = command.add_option("--" + key, help)->expected(1);
  if (field.is_list()) option->take_all();
  option->default_str(field.text(train::Recipe{}));
  option->type_name(field.is_number() ? "NUMBER" : "TEXT");
  option->group(std::string(field.group));
  options_.emplace_back(&field, option);
}

void RecipeFlags::add_to(CLI::App& command, const std::vector<std::string_view>& keys) {
  for (const train::RecipeField& field : train::recipe_fields()) {
    if (keys.empty() || std::find(keys.begin(), keys.end(), field.key) != keys.end()) add(command, field);
  }
}

train::Recipe RecipeFlags::apply(train::Recipe base) const {
  for (const auto& [field, option] : options_) {
    if (field->is_list() && option->count() > 0) field->clear(base);
    for (const std::string& typed : option->results()) field->set(base, typed);
  }
  return base;
}

bool RecipeFlags::given(std::string_view key) const {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const auto& entry) { return entry.first->key == key && entry.second->count() > 0; });
}

void use_threads(train::Recipe& recipe) {
  if (recipe.threads > 0) set_threads(static_cast<int>(recipe.threads));
  recipe.threads = threads();
  if (threads() > available_cores()) {
    fmt::print(stderr, "satsuma: warning: {} threads on {} cores; expect it to be slower\n", threads(),
               available_cores());
  }
}

}  // namespace satsuma::tools
