#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "satsuma/nn/module.hpp"
#include "satsuma/train/checkpoint.hpp"
#include "satsuma/train/recipe.hpp"
#include "tools/satsuma/recipe_flags.hpp"

namespace satsuma::tools {

/// The recipe that the weights were trained with, changed by what was typed, and checked. A file that does
/// not say it needs the flags `needed`; throws UsageError without them.
train::Recipe trained_recipe(const train::Checkpoint& checkpoint, const RecipeFlags& flags,
                             std::initializer_list<std::string_view> needed);

/// Whether a layer multiplies with pruned weights in FF.
bool is_pruned(const nn::Module& model);

/// Which weights a model multiplies with, made of those in the file, which are dense masters: `weights pruned
/// to 2:8 by bdwp, as trained`.
std::string weights_text(bool pruned, const train::Recipe& recipe, const train::Checkpoint& checkpoint);

}  // namespace satsuma::tools
