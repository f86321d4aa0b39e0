#include "tools/satsuma/weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <string>

#include "satsuma/core/error.hpp"
#include "satsuma/train/fit_weights.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/core/message.hpp"

namespace satsuma::tools {

namespace {

/// `a, b, c and 12 more`.
std::string listed(std::span<const std::string> names) {
  constexpr std::size_t kMost = 12;
  if (names.size() <= kMost) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(names.first(kMost), ", "), names.size() - kMost);
}

/// `; the file is of 'resnet18' for 10 classes`, or nothing.
std::string of_what(const train::Checkpoint& checkpoint) {
  if (!checkpoint.info) return "";
  const train::Recipe recipe = train::parse_recipe(checkpoint.info->recipe, checkpoint.path.string());
  return fmt::format("; the file is of model '{}', width {}, for {} classes and images of {}", recipe.model,
                     recipe.width, checkpoint.info->classes, fmt::join(checkpoint.info->input, "x"));
}

std::vector<std::string> fit_and_restore(train::Checkpoint& checkpoint, nn::Module& model, bool new_head) {
  try {
    for (const std::string& done : train::fit_weights(checkpoint, model, new_head))
      say("note: {}: {}", checkpoint.path.string(), done);
    return train::restore(checkpoint, model);
  } catch (const FormatError& error) {
    throw FormatError(error.what() + of_what(checkpoint));
  }
}

}  // namespace

void load_weights(train::Checkpoint checkpoint, nn::Module& model, bool strict, bool new_head) {
  const std::vector<std::string> left = fit_and_restore(checkpoint, model, new_head);
  if (left.empty()) return;
  const std::string what = fmt::format("{}: the model has no place for {} of the file's tensors: {}",
                                       checkpoint.path.string(), left.size(), listed(left));
  if (strict) throw FormatError(what + "; leave out --strict-init to go on without");
  say("warning: {}", what);
}

}  // namespace satsuma::tools
