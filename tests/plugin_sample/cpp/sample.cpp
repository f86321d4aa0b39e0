// A device for Satsuma, in a shared object of its own. Build it with meson or CMake, then:
//   satsuma devices test sample --plugin build/libsample.so
//   satsuma train --plugin build/libsample.so --device sample --model resnet9 --data fashion-mnist --method
//   bdwp
//
// It multiplies N:M weights with activations (FF and BP are made of that) and packs weights. What it leaves
// out, Satsuma does: weight gradients, the optimiser's step, memory. satsuma/plugin.hpp lists what else a
// device can have.
#include <satsuma/plugin.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace {

class Sample {
 public:
  explicit Sample(const satsuma_host& host) : host_(host) {}

  std::string describe() const {
    return "sample of a plug-in, plain loops, " + std::to_string(host_.threads()) + " threads";
  }

  // Why this device does not run a pass of a layer; empty where it does.
  std::string refuses(const satsuma_request& request) const {
    if (request.pass != SATSUMA_WU && request.weight.m > 32)
      return "has no selector for groups of more than 32";
    return "";
  }

  // C = A * B: each row of C is a sum of some rows of B, those that the kept weights of the row of A stand
  // for.
  void matmul(const satsuma_matmul& product) const {
    satsuma::plugin::parallel_for(host_, product.rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) multiply_row(product, row);
    });
  }

  // Keeps the n largest magnitudes of each group of m.
  void compress(const satsuma_tensor& weight, const satsuma_packed& packed) const {
    satsuma::plugin::parallel_for(host_, packed.rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        if (weight.dtype == SATSUMA_F64) {
          compress_row<double>(weight, packed, row);
        } else {
          compress_row<float>(weight, packed, row);
        }
      }
    });
  }

 private:
  static void multiply_row(const satsuma_matmul& product, std::int64_t row) {
    float* const c = product.c + row * product.columns;
    std::fill_n(c, product.columns, 0.0F);
    std::int64_t at = row * product.segments * product.kept;
    for (std::int64_t segment = 0; segment < product.segments; ++segment) {
      for (std::int64_t j = 0; j < product.kept; ++j, ++at) {
        std::int64_t channel = j;
        if (product.indices) channel = j / product.pattern.n * product.pattern.m + product.indices[at];
        const float weight = product.a[at];
        const float* const b = product.b + (segment * product.length + channel) * product.columns;
        for (std::int64_t i = 0; i < product.columns; ++i) c[i] += weight * b[i];
      }
    }
  }

  template <typename T>
  static void compress_row(const satsuma_tensor& weight, const satsuma_packed& packed, std::int64_t row) {
    // The weight is [K, C, R, S]; groups run along C for W_ff, where a row is an output channel k, and along
    // K for W_bp, where it is an input channel c.
    const bool along_inputs = packed.axis == SATSUMA_INPUT_CHANNELS;
    const std::int64_t row_stride = weight.strides[along_inputs ? 0 : 1];
    const std::int64_t channel_stride = weight.strides[along_inputs ? 1 : 0];
    std::int64_t at = row * packed.kernel[0] * packed.kernel[1] * packed.kept;
    for (std::int64_t r = 0; r < packed.kernel[0]; ++r) {
      for (std::int64_t s = 0; s < packed.kernel[1]; ++s) {
        const T* const from = static_cast<const T*>(weight.data) + row * row_stride + r * weight.strides[2] +
                              s * weight.strides[3];
        for (std::int64_t first = 0; first < packed.channels; first += packed.pattern.m) {
          const T* const group = from + first * channel_stride;
          for (const int i : keep(group, channel_stride, packed, packed.channels - first)) {
            static_cast<T*>(packed.values)[at] = group[i * channel_stride];
            packed.indices[at++] = static_cast<std::uint8_t>(i);
          }
        }
      }
    }
  }

  // Positions of the largest magnitudes of a group, rising; of equal ones the lower positions. The last group
  // of an axis may be short.
  template <typename T>
  static std::vector<int> keep(const T* group, std::int64_t stride, const satsuma_packed& packed,
                               std::int64_t left) {
    const std::int64_t length = std::min<std::int64_t>(packed.pattern.m, left);
    std::vector<int> order(static_cast<std::size_t>(length));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return std::abs(group[a * stride]) > std::abs(group[b * stride]); });
    order.resize(static_cast<std::size_t>(satsuma::plugin::kept_in_group(packed.pattern, length)));
    std::sort(order.begin(), order.end());
    return order;
  }

  const satsuma_host& host_;
};

}  // namespace

const satsuma_plugin* satsuma_plugin_entry() {
  static const satsuma_plugin table = satsuma::plugin::table<Sample>("sample", "0.1.0");
  return &table;
}
