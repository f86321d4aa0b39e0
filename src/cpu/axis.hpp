#pragma once

#include <cstdint>
#include <vector>

namespace satsuma::cpu {

/// One kernel position along one axis: for the t-th output of its class the input lies at `shift + t * step`.
struct AxisTap {
  int tap;
  std::int64_t shift;
};

/// Outputs `first, first + stride, ...` along an axis, which all see the same kernel positions at the same
/// distances. The forward pass has one class; the backward pass of a convolution with stride s has s, each
/// with its own share of the taps.
struct AxisClass {
  std::int64_t first = 0;
  std::int64_t stride = 1;
  std::int64_t count = 0;
  std::int64_t step = 1;  ///< input pixels between neighbouring outputs of the class
  std::vector<AxisTap> taps;

  /// Input coordinates from the first to the last that `outputs` neighbouring outputs of the class reach;
  /// those of several images where one has not so many.
  std::int64_t span(std::int64_t outputs) const;
};

/// How the outputs of a pass reach its inputs along one axis.
struct Axis {
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  std::vector<AxisClass> classes;

  /// Lowest and one past the highest input coordinate that any tap of any output asks for; padding lies
  /// outside [0, inputs).
  std::int64_t lowest() const;
  std::int64_t highest() const;
  /// Outputs of the largest class.
  std::int64_t widest() const;
};

struct AxisGeometry {
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t padding;
  std::int64_t dilation;
};

/// Forward: output p reads x at p * stride - padding + r * dilation.
Axis forward_axis(const AxisGeometry& geometry, std::int64_t inputs, std::int64_t outputs);
/// Backward data: dx at h reads dy at (h + padding - r * dilation) / stride wherever that is a whole number.
Axis backward_axis(const AxisGeometry& geometry, std::int64_t images, std::int64_t gradients);

/// The same outputs, where classes of at most `widest` are split into classes that have no tap on padding.
Axis without_padding(const Axis& axis, std::int64_t widest);

}  // namespace satsuma::cpu
