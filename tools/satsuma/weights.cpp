#include "tools/satsuma/weights.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <string>

#include "satsuma/core/error.hpp"
#include "src/core/message.hpp"

namespace satsuma::tools {

namespace {

/// `a, b, c and 12 more`.
std::string listed(std::span<const std::string> names) {
  constexpr std::size_t kMost = 12;
  if (names.size() <= kMost) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{} and {} more", fmt::join(names.first(kMost), ", "), names.size() - kMost);
}

}  // namespace

void load_weights(const train::Checkpoint& checkpoint, nn::Module& model, bool strict) {
  const std::vector<std::string> left = train::restore(checkpoint, model);
  if (left.empty()) return;
  const std::string what = fmt::format("{}: the model has no place for {} of the file's tensors: {}",
                                       checkpoint.path.string(), left.size(), listed(left));
  if (strict) throw FormatError(what + "; leave out --strict-init to go on without");
  say("warning: {}", what);
}

}  // namespace satsuma::tools
