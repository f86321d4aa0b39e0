#pragma once

#include <string_view>
#include <vector>

#include "satsuma/train/recipe.hpp"
#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// The settings of a recipe as flags of a subcommand.
class RecipeFlags {
 public:
  /// Adds a flag for each setting, or for those in `keys` only.
  void add_to(const Command& command, const std::vector<std::string_view>& keys = {});

  /// `base` with what was typed on top. Throws UsageError on a bad value.
  train::Recipe apply(train::Recipe base) const;
  bool given(std::string_view key) const;

 private:
  struct Flag {
    const train::RecipeField* field;
    Option option;
    bool switches_off = false;  ///< --no-shuffle
  };

  void add(const Command& command, const train::RecipeField& field);
  void add_switch(const Command& command, const train::RecipeField& field);

  std::vector<Flag> flags_;
};

}  // namespace satsuma::tools
