#include "tools/satsuma/recipe_flags.hpp"

#include <algorithm>

namespace satsuma::tools {

void RecipeFlags::add_switch(const Command& command, const train::RecipeField& field) {
  const std::string key(field.key);
  const std::string help(field.help);
  const Option on = command.add_flag("--" + key, help);
  const Option off = command.add_flag("--no-" + key, "no " + help);
  // Help shows the one that changes something; the other is there to override a recipe file.
  const bool is_on = field.text(train::Recipe{}) == "true";
  (is_on ? off : on).group(std::string(field.group));
  (is_on ? on : off).group("");
  flags_.push_back({&field, on});
  flags_.push_back({&field, off, true});
}

void RecipeFlags::add(const Command& command, const train::RecipeField& field) {
  const Option option = command.add_option("--" + std::string(field.key), std::string(field.help));
  field.is_list() ? option.repeatable() : option.last_counts();
  option.show_default(field.text(train::Recipe{}));
  option.type_name(field.is_number() ? "NUMBER" : "TEXT");
  option.group(std::string(field.group));
  flags_.push_back({&field, option});
}

void RecipeFlags::add_to(const Command& command, const std::vector<std::string_view>& keys) {
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
    if (!flag.option.given()) continue;
    if (flag.field->is_switch()) {
      flag.field->set(base, flag.switches_off ? "false" : "true");
      continue;
    }
    if (flag.field->is_list()) flag.field->clear(base);
    for (const std::string& typed : flag.option.typed()) flag.field->set(base, typed);
  }
  return base;
}

bool RecipeFlags::given(std::string_view key) const {
  return std::any_of(flags_.begin(), flags_.end(),
                     [&](const Flag& flag) { return flag.field->key == key && flag.option.given(); });
}

}  // namespace satsuma::tools
