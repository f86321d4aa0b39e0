#include <array>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/sat/workload.hpp"

namespace satsuma::sat {

std::span<const Method> simulated_methods() {
  // Time depends on which operand is N:M alone, so a method that nobody has written a training rule for can
  // be simulated. Those that can train are taken from where training looks them up.
  static const std::array<Method, 5> kMethods = {
      find_method("dense"),
      Method{.name = "sr-ste",
             .summary = "N:M weights in forward; backward passes through the masked weight, which is not N:M "
                        "along output channels and counts as dense (arXiv 2102.04010)",
             .ff_weight = true},
      Method{.name = "sdgp",
             .summary = "N:M gradients of the output in backward, pruned on the fly",
             .bp_gradient = true},
      Method{.name = "sdwp", .summary = "N:M weights in backward (along output channels)", .bp_weight = true},
      find_method("bdwp"),
  };
  return kMethods;
}

const Method& find_simulated_method(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Method& method : simulated_methods()) {
    if (method.name == name) return method;
    known.push_back(method.name);
  }
  throw UsageError(unknown_name("method", name, known));
}

void apply_method(Workload& workload, const Method& method, Pattern pattern) {
  validate(pattern);
  for (Layer& layer : workload.layers) {
    layer.patterns = {};
    if (!layer.prunable || layer.geometry.groups > 1 || pattern.dense()) continue;
    // An axis shorter than M has no whole group: Contraction::configure leaves it dense too.
    const bool ff = layer.geometry.in_channels >= pattern.m;
    const bool bp = layer.geometry.out_channels >= pattern.m;
    if (method.ff_weight && ff) layer.patterns.ff_weight = pattern;
    if (method.bp_weight && bp) layer.patterns.bp_weight = pattern;
    if (method.bp_gradient && bp) layer.patterns.bp_gradient = pattern;
  }
}

}  // namespace satsuma::sat
