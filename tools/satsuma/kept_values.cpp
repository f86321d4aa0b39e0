#include "tools/satsuma/kept_values.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string_view>

namespace satsuma::tools {

namespace {

/// What the derivative of an op needs: its first inputs, its output.
struct Needs {
  std::string_view kind;
  int inputs = 0;
  bool output = false;
};

/// Of ops that are not here the derivative needs shapes alone.
constexpr std::array kNeeds = {
    Needs{"conv2d", 1},
    Needs{"linear", 1},
    Needs{"batch_norm", 1},
    Needs{"layer_norm", 1},
    Needs{"relu", 0, true},
    Needs{"gelu", 1},
    Needs{"add_relu", 0, true},
    Needs{"mul", 2},
    Needs{"softmax", 0, true},
    Needs{"attention", 3, true},
    Needs{"self_attention", 1, true},
};

bool is_activation(const Trace::Value& value) {
  return value.source == Trace::Source::op || value.source == Trace::Source::input;
}

/// Values that are kept for one op.
std::set<int> kept_for(const Trace& trace, const Trace::Op& op) {
  std::set<int> kept;
  if (!trace.value(op.output).needs_grad) return kept;
  const auto needs =
      std::find_if(kNeeds.begin(), kNeeds.end(), [&](const Needs& each) { return each.kind == op.kind; });
  if (needs == kNeeds.end()) return kept;
  // The image of a layer whose weight is frozen is of no use.
  const bool contraction = op.kind == "conv2d" || op.kind == "linear";
  if (contraction && !trace.value(op.inputs[1]).needs_grad) return kept;
  for (int i = 0; i < needs->inputs; ++i) kept.insert(op.inputs[static_cast<std::size_t>(i)]);
  if (needs->output || (op.kind == "batch_norm" && op.attribute<bool>("relu"))) kept.insert(op.output);
  return kept;
}

std::int64_t bytes_of(const Trace& trace, const std::set<int>& values) {
  std::int64_t bytes = 0;
  for (const int index : values) {
    if (index < 0 || !is_activation(trace.value(index))) continue;
    bytes += 4 * trace.value(index).tensor.numel();
  }
  return bytes;
}

}  // namespace

std::int64_t kept_bytes(const Trace& trace) {
  std::set<int> kept;
  std::map<int, std::set<int>> within;  // of each checkpoint
  std::map<int, std::set<int>> made;
  for (const Trace::Op& op : trace.ops()) {
    const std::set<int> own = kept_for(trace, op);
    if (op.checkpoint < 0) {
      kept.insert(own.begin(), own.end());
      continue;
    }
    within[op.checkpoint].insert(own.begin(), own.end());
    made[op.checkpoint].insert(op.output);
    for (const int input : op.inputs) {
      if (made[op.checkpoint].count(input) == 0) kept.insert(input);
    }
  }
  std::int64_t largest = 0;
  for (const auto& [checkpoint, values] : within) {
    std::set<int> own;
    std::set_difference(values.begin(), values.end(), kept.begin(), kept.end(),
                        std::inserter(own, own.end()));
    largest = std::max(largest, bytes_of(trace, own));
  }
  return bytes_of(trace, kept) + largest;
}

}  // namespace satsuma::tools
