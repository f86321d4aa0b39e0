#include <array>

#include "satsuma/core/nearest.hpp"
#include "src/sparse/methods/methods.hpp"

namespace satsuma {

std::span<const Method* const> methods() {
  static constexpr std::array<const Method*, 6> kMethods = {&kDense, &kSrSte, &kSdgp,
                                                            &kSdwp,  &kBdwp,  &kTransposable};
  return kMethods;
}

const Method& find_method(std::string_view name) {
  return *find_named("method", name, methods(), &Method::name);
}

MethodText MethodText::parse(std::string_view text) {
  constexpr std::string_view kSampled = "+wu";
  std::optional<Pattern> pattern;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    pattern = Pattern::parse(text.substr(at + 1));
    text = text.substr(0, at);
  }
  const bool samples = text.ends_with(kSampled);
  if (samples) text.remove_suffix(kSampled.size());
  return {&find_method(text), samples, pattern};
}

}  // namespace satsuma
