#include "src/cpu/axis.hpp"

#include <algorithm>
#include <cstdlib>

#include "satsuma/core/integer.hpp"

namespace satsuma::cpu {

std::int64_t AxisClass::span(std::int64_t outputs) const {
  if (taps.empty()) return 0;
  const std::int64_t images = ceil_div(outputs, count);
  const std::int64_t neighbours = ceil_div(outputs, images);
  return images * (std::abs(taps.back().shift - taps.front().shift) + 1 + (neighbours - 1) * step);
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

namespace {

/// The taps of the `t`-th output that do not fall on padding.
std::vector<AxisTap> taps_inside(const AxisClass& outputs, std::int64_t t, std::int64_t inputs) {
  std::vector<AxisTap> inside;
  for (const AxisTap& tap : outputs.taps) {
    const std::int64_t at = tap.shift + t * outputs.step;
    if (at >= 0 && at < inputs) inside.push_back(tap);
  }
  return inside;
}

bool same_taps(const std::vector<AxisTap>& a, const std::vector<AxisTap>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const AxisTap& x, const AxisTap& y) { return x.tap == y.tap; });
}

}  // namespace

Axis without_padding(const Axis& axis, std::int64_t widest) {
  Axis result{axis.inputs, axis.outputs, {}};
  for (const AxisClass& whole : axis.classes) {
    if (whole.count > widest) {
      result.classes.push_back(whole);
      continue;
    }
    for (std::int64_t t = 0; t < whole.count; ++t) {
      std::vector<AxisTap> taps = taps_inside(whole, t, axis.inputs);
      if (t == 0 || !same_taps(taps, result.classes.back().taps)) {
        for (AxisTap& tap : taps) tap.shift += t * whole.step;
        result.classes.push_back({whole.first + t * whole.stride, whole.stride, 0, whole.step, taps});
      }
      ++result.classes.back().count;
    }
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
