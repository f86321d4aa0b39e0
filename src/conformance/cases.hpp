#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "satsuma/device/device.hpp"

namespace satsuma::conformance {

constexpr Pass kPasses[] = {Pass::ff, Pass::bp, Pass::wu};

/// The benchmarked patterns, and one whose M is no power of two.
std::span<const Pattern> patterns();

/// Types that a pass may be asked for.
struct Types {
  const char* name;  ///< as it stands in the names of checks
  DType tensors;
  DType operands;
};
std::span<const Types> all_types();

/// One layer, one batch.
struct Case {
  std::string name;  ///< class of the shape
  Geometry geometry;
  Shape input;
  Pattern pattern;
  /// What has the pattern: packed is the weight in FF and BP, pruned and sampled are dY in BP and in WU.
  OperandKind kind = OperandKind::packed;

  Shape output() const { return geometry.output_shape("conformance", input); }
  /// True when an operand of the pass has the pattern.
  bool concerns(Pass pass) const;
  /// The layer, all of its passes under the pattern, however short its axes are.
  LayerPlan plan(Types types) const;
  /// Products that one element of the pass's result sums.
  std::int64_t reduction(Pass pass) const;
  std::string text() const;
};

/// Layers as networks have them, the edges (one pixel, one channel, a kernel as large as the image), and for
/// each pattern one layer of each class, drawn from `seed`: none costs the reference more than some
/// milliseconds.
std::vector<Case> all_cases(std::uint64_t seed);

/// `ff`, `bp`, `wu`: as they stand in the names of checks.
const char* short_name(Pass pass);

}  // namespace satsuma::conformance
