#include "src/cpu/axis.hpp"

#include <algorithm>
#include <cstdlib>

namespace satsuma::cpu {

std::int64_t AxisClass::span(std::int64_t outputs) const {
  if (taps.empty()) return 0;
  return std::abs(taps.back().shift - taps.front().shift) + 1 + (outputs - 1) * step;
}

std::int64_t Axis::widest() const {
  std::int64_t result = 1;
  for (const AxisClass& group : classes) result = std::max(result, group.count);
  return result;
}

std::int64_t Axis::lowest() const {
  std::int64_t result = inputs;
  for (const AxisClass& group : classes) {
    if (group.count == 0) continue;
    for (const AxisTap& tap : group.taps) result = std::min(result, tap.shift);
  }
  return result;
}

std::int64_t Axis::highest() const {
  std::int64_t result = 0;
  for (const AxisClass& group : classes) {
    if (group.count == 0) continue;
    for (const AxisTap& tap : group.taps)
      result = std::max(result, tap.shift + (group.count - 1) * group.step + 1);
  }
  return result;
}

Axis forward_axis(const AxisGeometry& geometry, std::int64_t inputs, std::int64_t outputs) {
  AxisClass all;
  all.count = outputs;
  all.step = geometry.stride;
  for (int tap = 0; tap < geometry.kernel; ++tap) {
    all.taps.push_back({tap, tap * geometry.dilation - geometry.padding});
  }
  return {inputs, outputs, {all}};
}

Axis backward_axis(const AxisGeometry& geometry, std::int64_t images, std::int64_t gradients) {
  Axis axis{gradients, images, {}};
  for (std::int64_t residue = 0; residue < std::min(geometry.stride, images); ++residue) {
    AxisClass group;
    group.first = residue;
    group.stride = geometry.stride;
    group.count = (images - residue + geometry.stride - 1) / geometry.stride;
    for (int tap = 0; tap < geometry.kernel; ++tap) {
      const std::int64_t at = residue + geometry.padding - tap * geometry.dilation;
      // Exact division only, and `at` may be negative.
      if (at % geometry.stride == 0) group.taps.push_back({tap, at / geometry.stride});
    }
    axis.classes.push_back(std::move(group));
  }
  return axis;
}

}  // namespace satsuma::cpu
