#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "satsuma/core/shape.hpp"

namespace satsuma {

/// Two extents, height then width.
using Pair = std::array<std::int64_t, 2>;

/// A convolution Y = X * W without the size of its input. A linear layer over [N, T, D] is the 1x1
/// convolution over images of 1 x T pixels with D channels.
struct Geometry {
  std::int64_t in_channels = 1;
  std::int64_t out_channels = 1;
  Pair kernel = {1, 1};
  Pair stride = {1, 1};
  Pair padding = {0, 0};
  Pair dilation = {1, 1};
  std::int64_t groups = 1;

  bool operator==(const Geometry& other) const = default;

  /// [K, C / groups, R, S]. Throws ShapeError naming `op` when an extent is below 1 or `groups` does not
  /// divide the channels.
  Shape weight_shape(const char* op = "conv2d") const;
  /// [N, K, P, Q] for an input [N, C, H, W]: P = floor((H + 2 pad - dilation (R - 1) - 1) / stride) + 1, Q
  /// alike. Throws ShapeError naming `op` when the input does not fit.
  Shape output_shape(const char* op, const Shape& input) const;
  /// Multiply-adds of one pass over one image with dense weights: K * C / groups * R * S * P * Q. A tap that
  /// falls on padding counts as an operation.
  std::int64_t dense_macs(std::int64_t out_height, std::int64_t out_width) const;
};

std::string to_string(const Geometry& geometry);

}  // namespace satsuma
