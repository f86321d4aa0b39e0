#include "devices/sat/naive_sat.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace satsuma::testing {

float round_to_fp16(float value) {
  if (std::isnan(value)) return value;
  const double magnitude = std::fabs(static_cast<double>(value));
  if (magnitude >= 65520) return std::copysign(std::numeric_limits<float>::infinity(), value);
  // Eleven significant bits, and no unit below 2^-24.
  int exponent = -14;
  if (magnitude >= 0x1p-14) exponent = std::ilogb(magnitude);
  const double unit = std::ldexp(1.0, exponent - 10);
  return std::copysign(static_cast<float>(std::nearbyint(magnitude / unit) * unit), value);
}

namespace {

std::vector<float> rounded(const std::vector<float>& values) {
  std::vector<float> result;
  for (const float value : values) result.push_back(round_to_fp16(value));
  return result;
}

/// Magnitudes as the sorters rank them: NaN above infinity.
double rank_of(float value) {
  return std::isnan(value) ? std::numeric_limits<double>::infinity()
                           : std::min(std::fabs(static_cast<double>(value)), 1e300);
}

/// Which of the elements w[0], w[stride], ... are kept.
std::vector<bool> kept(const float* w, std::int64_t stride, std::int64_t length, Pattern pattern) {
  std::vector<bool> result(static_cast<std::size_t>(length), false);
  for (std::int64_t first = 0; first < length; first += pattern.m) {
    const std::int64_t count = std::min<std::int64_t>(pattern.m, length - first);
    const std::int64_t keep = (pattern.n * count + pattern.m - 1) / pattern.m;
    std::vector<std::int64_t> order;
    for (std::int64_t i = 0; i < count; ++i) order.push_back(first + i);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return rank_of(w[a * stride]) > rank_of(w[b * stride]);
    });
    for (std::int64_t i = 0; i < keep; ++i)
      result[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = true;
  }
  return result;
}

std::int64_t tile_of(Pattern pattern) {
  return pattern.n == pattern.m ? 16 : pattern.m * ((16 + pattern.m - 1) / pattern.m);
}

}  // namespace

std::vector<float> NaiveSat::forward(const std::vector<float>& x, const std::vector<float>& w,
                                     const std::vector<float>& bias) const {
  const Geometry& g = geometry;
  const std::int64_t C = g.in_channels, K = g.out_channels, R = g.kernel[0], S = g.kernel[1];
  const std::vector<float> xh = rounded(x), wh = rounded(w);
  std::vector<float> y(static_cast<std::size_t>(images * K * out_height * out_width));
  for (std::int64_t k = 0; k < K; ++k) {
    std::vector<std::vector<bool>> keep;  // [r * S + s][c]
    for (std::int64_t rs = 0; rs < R * S; ++rs)
      keep.push_back(kept(&w[static_cast<std::size_t>(k * C * R * S + rs)], R * S, C, pattern));
    for (std::int64_t n = 0; n < images; ++n) {
      for (std::int64_t p = 0; p < out_height; ++p) {
        for (std::int64_t q = 0; q < out_width; ++q) {
          float sum = bias.empty() ? 0.0f : bias[static_cast<std::size_t>(k)];
          for (std::int64_t tile = 0; tile < C; tile += tile_of(pattern)) {
            for (std::int64_t r = 0; r < R; ++r) {
              for (std::int64_t s = 0; s < S; ++s) {
                const std::int64_t h = p * g.stride[0] - g.padding[0] + r * g.dilation[0];
                const std::int64_t v = q * g.stride[1] - g.padding[1] + s * g.dilation[1];
                if (h < 0 || h >= height || v < 0 || v >= width) continue;
                for (std::int64_t c = tile; c < std::min(C, tile + tile_of(pattern)); ++c) {
                  if (!keep[static_cast<std::size_t>(r * S + s)][static_cast<std::size_t>(c)]) continue;
                  const float product = wh[static_cast<std::size_t>(((k * C + c) * R + r) * S + s)] *
                                        xh[static_cast<std::size_t>(((n * C + c) * height + h) * width + v)];
                  sum = sum + product;
                }
              }
            }
          }
          y[static_cast<std::size_t>(((n * K + k) * out_height + p) * out_width + q)] = sum;
        }
      }
    }
  }
  return y;
}

std::vector<float> NaiveSat::backward_data(const std::vector<float>& dy, const std::vector<float>& w) const {
  const Geometry& g = geometry;
  const std::int64_t C = g.in_channels, K = g.out_channels, R = g.kernel[0], S = g.kernel[1];
  const std::vector<float> dyh = rounded(dy), wh = rounded(w);
  std::vector<float> dx(static_cast<std::size_t>(images * C * height * width));
  for (std::int64_t c = 0; c < C; ++c) {
    std::vector<std::vector<bool>> keep;  // [r * S + s][k]
    for (std::int64_t rs = 0; rs < R * S; ++rs)
      keep.push_back(kept(&w[static_cast<std::size_t>(c * R * S + rs)], C * R * S, K, pattern));
    for (std::int64_t n = 0; n < images; ++n) {
      for (std::int64_t h = 0; h < height; ++h) {
        for (std::int64_t v = 0; v < width; ++v) {
          float sum = 0;
          for (std::int64_t tile = 0; tile < K; tile += tile_of(pattern)) {
            for (std::int64_t r = 0; r < R; ++r) {
              for (std::int64_t s = 0; s < S; ++s) {
                // The output pixel whose tap (r, s) falls on (h, v), where there is one.
                const std::int64_t up = h + g.padding[0] - r * g.dilation[0];
                const std::int64_t left = v + g.padding[1] - s * g.dilation[1];
                if (up < 0 || left < 0 || up % g.stride[0] != 0 || left % g.stride[1] != 0) continue;
                const std::int64_t p = up / g.stride[0], q = left / g.stride[1];
                if (p >= out_height || q >= out_width) continue;
                for (std::int64_t k = tile; k < std::min(K, tile + tile_of(pattern)); ++k) {
                  if (!keep[static_cast<std::size_t>(r * S + s)][static_cast<std::size_t>(k)]) continue;
                  const float product =
                      wh[static_cast<std::size_t>(((k * C + c) * R + r) * S + s)] *
                      dyh[static_cast<std::size_t>(((n * K + k) * out_height + p) * out_width + q)];
                  sum = sum + product;
                }
              }
            }
          }
          dx[static_cast<std::size_t>(((n * C + c) * height + h) * width + v)] = sum;
        }
      }
    }
  }
  return dx;
}

std::vector<float> NaiveSat::weight_gradient(const std::vector<float>& x,
                                             const std::vector<float>& dy) const {
  const Geometry& g = geometry;
  const std::int64_t C = g.in_channels, K = g.out_channels, R = g.kernel[0], S = g.kernel[1];
  const std::vector<float> xh = rounded(x), dyh = rounded(dy);
  std::vector<float> dw;
  for (std::int64_t k = 0; k < K; ++k) {
    for (std::int64_t c = 0; c < C; ++c) {
      for (std::int64_t r = 0; r < R; ++r) {
        for (std::int64_t s = 0; s < S; ++s) {
          float sum = 0;
          for (std::int64_t block = 0; block < images; block += 16) {
            for (std::int64_t p = 0; p < out_height; ++p) {
              for (std::int64_t q = 0; q < out_width; ++q) {
                const std::int64_t h = p * g.stride[0] - g.padding[0] + r * g.dilation[0];
                const std::int64_t v = q * g.stride[1] - g.padding[1] + s * g.dilation[1];
                if (h < 0 || h >= height || v < 0 || v >= width) continue;
                for (std::int64_t n = block; n < std::min<std::int64_t>(images, block + 16); ++n) {
                  const float product =
                      dyh[static_cast<std::size_t>(((n * K + k) * out_height + p) * out_width + q)] *
                      xh[static_cast<std::size_t>(((n * C + c) * height + h) * width + v)];
                  sum = sum + product;
                }
              }
            }
          }
          dw.push_back(sum);
        }
      }
    }
  }
  return dw;
}

std::vector<float> NaiveSat::bias_gradient(const std::vector<float>& dy) const {
  const std::int64_t K = geometry.out_channels;
  const std::vector<float> dyh = rounded(dy);
  std::vector<float> result;
  for (std::int64_t k = 0; k < K; ++k) {
    float sum = 0;
    for (std::int64_t block = 0; block < images; block += 16) {
      for (std::int64_t p = 0; p < out_height; ++p) {
        for (std::int64_t q = 0; q < out_width; ++q) {
          for (std::int64_t n = block; n < std::min<std::int64_t>(images, block + 16); ++n)
            sum = sum + dyh[static_cast<std::size_t>(((n * K + k) * out_height + p) * out_width + q)];
        }
      }
    }
    result.push_back(sum);
  }
  return result;
}

}  // namespace satsuma::testing
