#pragma once

#include <cstdint>
#include <vector>

#include "satsuma/device/device.hpp"

namespace satsuma::testing {

/// What SAT computes, written from docs/sat-values.md one scalar at a time and sharing no code with the
/// device: its own rounding, its own choice of kept weights, its own order of additions.
struct NaiveSat {
  Geometry geometry;
  Pattern pattern;
  std::int64_t images, height, width, out_height, out_width;

  /// Arrays are row-major: x [N][C][H][W], y [N][K][P][Q], w [K][C][R][S] (master weights, FP32). An empty
  /// bias is none.
  std::vector<float> forward(const std::vector<float>& x, const std::vector<float>& w,
                             const std::vector<float>& bias) const;
  std::vector<float> backward_data(const std::vector<float>& dy, const std::vector<float>& w) const;
  std::vector<float> weight_gradient(const std::vector<float>& x, const std::vector<float>& dy) const;
  std::vector<float> bias_gradient(const std::vector<float>& dy) const;
};

/// SAT behind the transport whose values are tested: each test executable defines its own.
Device& sat_under_test();

/// The nearest FP16 number, ties to even, as a float.
float round_to_fp16(float value);

}  // namespace satsuma::testing
