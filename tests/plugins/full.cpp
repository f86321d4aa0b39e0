// A plug-in with every function that there is, in plain loops on row-major activations.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "satsuma/plugin.hpp"

namespace {

std::int64_t offset(const satsuma_tensor& t, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
  return a / t.lanes * t.strides[0] + a % t.lanes + b * t.strides[1] + c * t.strides[2] + d * t.strides[3];
}

/// Element types apart, so that bf16 operands can be refused and f64 tensors be had.
template <typename F>
void with_type(std::int32_t dtype, F&& f) {
  dtype == SATSUMA_F64 ? f(double{}) : f(float{});
}

/// A weight as [K][C / groups][R][S] of doubles; `form` is made of it once for each packed weight.
std::vector<double> dense_of(const satsuma_pass& pass, const satsuma_weight& weight) {
  const satsuma_geometry& g = pass.geometry;
  const std::int64_t inputs = g.in_channels / g.groups, taps = g.kernel[0] * g.kernel[1];
  std::vector<double> dense(static_cast<std::size_t>(g.out_channels * inputs * taps));
  const auto at = [&](std::int64_t k, std::int64_t c, std::int64_t tap) -> double& {
    return dense[static_cast<std::size_t>((k * inputs + c) * taps + tap)];
  };
  if (weight.packed) {
    const satsuma_packed& packed = *weight.packed;
    const auto& values = *static_cast<const std::vector<double>*>(packed.form);
    std::size_t i = 0;
    for (std::int64_t row = 0; row < packed.rows; ++row) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        for (std::int64_t j = 0; j < packed.kept; ++j, ++i) {
          const std::int64_t channel = j / packed.pattern.n * packed.pattern.m + packed.indices[i];
          (packed.axis == SATSUMA_INPUT_CHANNELS ? at(row, channel, tap) : at(channel, row, tap)) = values[i];
        }
      }
    }
    return dense;
  }
  with_type(weight.dense->dtype, [&](auto element) {
    const auto* const data = static_cast<const decltype(element)*>(weight.dense->data);
    for (std::int64_t k = 0; k < g.out_channels; ++k) {
      for (std::int64_t c = 0; c < inputs; ++c) {
        for (std::int64_t tap = 0; tap < taps; ++tap)
          at(k, c, tap) =
              static_cast<double>(data[offset(*weight.dense, k, c, tap / g.kernel[1], tap % g.kernel[1])]);
      }
    }
  });
  return dense;
}

class Full {
 public:
  explicit Full(const satsuma_host&) {}
  ~Full() {
    // Whoever has taken something has given it back by now.
    if (blocks_ != 0 || forms_ != 0) std::abort();
  }
  std::string describe() const { return "every function there is"; }
  std::string refuses(const satsuma_request& request) const {
    return request.operands != SATSUMA_F32            ? "has no narrow products"
           : request.gradient.n != request.gradient.m ? "does not prune gradients"
                                                      : "";
  }

  void forward(const satsuma_pass& pass, const satsuma_tensor& x, const satsuma_weight& weight,
               const satsuma_tensor* bias, const satsuma_tensor& y) {
    with_type(x.dtype, [&](auto element) {
      using T = decltype(element);
      std::vector<double> sums = zeros(y);
      for_each_product(pass, x, y, dense_of(pass, weight), [&](auto x_at, auto y_at, double w, auto) {
        sums[static_cast<std::size_t>(y_at)] += w * static_cast<double>(static_cast<const T*>(x.data)[x_at]);
      });
      const std::int64_t pixels = y.shape[2] * y.shape[3];
      for (std::int64_t i = 0; i < y.shape[0] * y.shape[1] * pixels; ++i) {
        const double add =
            bias ? static_cast<double>(static_cast<const T*>(bias->data)[i / pixels % y.shape[1]]) : 0;
        static_cast<T*>(y.data)[i] = static_cast<T>(sums[static_cast<std::size_t>(i)] + add);
      }
    });
  }

  void backward_data(const satsuma_pass& pass, const satsuma_tensor& dy, const satsuma_weight& weight,
                     const satsuma_tensor& dx) {
    with_type(dy.dtype, [&](auto element) {
      using T = decltype(element);
      std::vector<double> sums = zeros(dx);
      for_each_product(pass, dx, dy, dense_of(pass, weight), [&](auto x_at, auto y_at, double w, auto) {
        sums[static_cast<std::size_t>(x_at)] += w * static_cast<double>(static_cast<const T*>(dy.data)[y_at]);
      });
      for (std::size_t i = 0; i < sums.size(); ++i) static_cast<T*>(dx.data)[i] = static_cast<T>(sums[i]);
    });
  }

  void backward_weights(const satsuma_pass& pass, const satsuma_tensor& x, const satsuma_tensor& dy,
                        const satsuma_tensor& dw, const satsuma_tensor* dbias) {
    with_type(x.dtype, [&](auto element) {
      using T = decltype(element);
      const satsuma_geometry& g = pass.geometry;
      const std::int64_t taps = g.kernel[0] * g.kernel[1];
      std::vector<double> sums(static_cast<std::size_t>(g.out_channels * g.in_channels / g.groups * taps));
      for_each_product(pass, x, dy, sums, [&](auto x_at, auto y_at, double, auto w_at) {
        sums[static_cast<std::size_t>(w_at)] += static_cast<double>(static_cast<const T*>(x.data)[x_at]) *
                                                static_cast<double>(static_cast<const T*>(dy.data)[y_at]);
      });
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(sums.size()); ++i) {
        const std::int64_t tap = i % taps, c = i / taps % dw.shape[1], k = i / taps / dw.shape[1];
        static_cast<T*>(dw.data)[offset(dw, k, c, tap / g.kernel[1], tap % g.kernel[1])] =
            static_cast<T>(sums[static_cast<std::size_t>(i)]);
      }
      if (!dbias) return;
      const std::int64_t pixels = dy.shape[2] * dy.shape[3];
      std::vector<double> all(static_cast<std::size_t>(dy.shape[1]));
      for (std::int64_t i = 0; i < dy.shape[0] * dy.shape[1] * pixels; ++i)
        all[static_cast<std::size_t>(i / pixels % dy.shape[1])] +=
            static_cast<double>(static_cast<const T*>(dy.data)[i]);
      for (std::size_t k = 0; k < all.size(); ++k) static_cast<T*>(dbias->data)[k] = static_cast<T>(all[k]);
    });
  }

  void compress(const satsuma_tensor& weight, const satsuma_packed& packed) {
    with_type(weight.dtype, [&](auto element) { pack<decltype(element)>(weight, packed, nullptr); });
  }

  void update(const satsuma_update& step) {
    with_type(step.weight->dtype, [&](auto element) {
      using T = decltype(element);
      const std::int64_t count =
          step.weight->shape[0] * step.weight->shape[1] * step.weight->shape[2] * step.weight->shape[3];
      auto* const w = static_cast<T*>(step.weight->data);
      auto* const v = step.velocity ? static_cast<T*>(step.velocity->data) : nullptr;
      std::vector<char> kept(static_cast<std::size_t>(count), 0);
      if (step.decay != 0 && step.packed_ff) pack<T>(*step.weight, *step.packed_ff, kept.data());
      for (std::int64_t i = 0; i < count; ++i) {
        double g = static_cast<double>(static_cast<const T*>(step.grad->data)[i]) +
                   step.weight_decay * static_cast<double>(w[i]);
        if (step.decay != 0 && step.packed_ff && !kept[static_cast<std::size_t>(i)])
          g += step.decay * static_cast<double>(w[i]);
        if (v) {
          v[i] = static_cast<T>(step.momentum * static_cast<double>(v[i]) + g);
          g = step.nesterov ? g + step.momentum * static_cast<double>(v[i]) : static_cast<double>(v[i]);
        }
        w[i] = static_cast<T>(static_cast<double>(w[i]) - step.lr * g);
      }
      for (const satsuma_packed* packed : {step.packed_ff, step.packed_bp}) {
        if (packed) pack<T>(*step.weight, *packed, nullptr);
      }
    });
  }

  void* prepare(const satsuma_packed& packed) {
    ++forms_;
    auto* const form = new std::vector<double>;
    const std::int64_t count = packed.rows * packed.kernel[0] * packed.kernel[1] * packed.kept;
    with_type(packed.dtype, [&](auto element) {
      const auto* const values = static_cast<const decltype(element)*>(packed.values);
      form->assign(values, values + count);
    });
    return form;
  }
  void release(void* form) {
    --forms_;
    delete static_cast<std::vector<double>*>(form);
  }

  void* allocate(std::uint64_t bytes) {
    if (bytes > (std::uint64_t{1} << 40)) throw std::bad_alloc();
    ++blocks_;
    return std::aligned_alloc(64, (bytes + 64) / 64 * 64);
  }
  void deallocate(void* memory) {
    --blocks_;
    std::free(memory);
  }
  void synchronize() { ++synchronized_; }
  satsuma_counters counters() const {
    return {.bytes_to_device = 3, .bytes_from_device = 2, .cycles = products_, .joules = 0.5};
  }

 private:
  static std::vector<double> zeros(const satsuma_tensor& t) {
    return std::vector<double>(static_cast<std::size_t>(t.shape[0] * t.shape[1] * t.shape[2] * t.shape[3]));
  }

  /// Calls visit(offset in x, offset in y, weight, offset in `dense`) for every product of a layer.
  template <typename F>
  void for_each_product(const satsuma_pass& pass, const satsuma_tensor& x, const satsuma_tensor& y,
                        const std::vector<double>& dense, F&& visit) {
    const satsuma_geometry& g = pass.geometry;
    const std::int64_t inputs = g.in_channels / g.groups, outputs = g.out_channels / g.groups;
    std::int64_t w_at = 0;
    for (std::int64_t k = 0; k < g.out_channels; ++k) {
      for (std::int64_t i = 0; i < inputs; ++i) {
        for (std::int64_t r = 0; r < g.kernel[0]; ++r) {
          for (std::int64_t s = 0; s < g.kernel[1]; ++s, ++w_at) {
            const double weight = dense[static_cast<std::size_t>(w_at)];
            for (std::int64_t n = 0; n < x.shape[0]; ++n) {
              for (std::int64_t p = 0; p < y.shape[2]; ++p) {
                const std::int64_t h = p * g.stride[0] - g.padding[0] + r * g.dilation[0];
                if (h < 0 || h >= x.shape[2]) continue;
                for (std::int64_t q = 0; q < y.shape[3]; ++q) {
                  const std::int64_t v = q * g.stride[1] - g.padding[1] + s * g.dilation[1];
                  if (v < 0 || v >= x.shape[3]) continue;
                  visit(offset(x, n, k / outputs * inputs + i, h, v), offset(y, n, k, p, q), weight, w_at);
                  ++products_;
                }
              }
            }
          }
        }
      }
    }
  }

  /// Packs, and marks in `kept` (in the weight's own order) what is kept.
  template <typename T>
  static void pack(const satsuma_tensor& weight, const satsuma_packed& packed, char* kept) {
    const bool along_inputs = packed.axis == SATSUMA_INPUT_CHANNELS;
    std::size_t out = 0;
    for (std::int64_t row = 0; row < packed.rows; ++row) {
      for (std::int64_t tap = 0; tap < packed.kernel[0] * packed.kernel[1]; ++tap) {
        for (std::int64_t first = 0; first < packed.channels; first += packed.pattern.m) {
          const auto at = [&](std::int64_t i) {
            const std::int64_t c = first + i;
            return along_inputs ? offset(weight, row, c, tap / packed.kernel[1], tap % packed.kernel[1])
                                : offset(weight, c, row, tap / packed.kernel[1], tap % packed.kernel[1]);
          };
          const T* const data = static_cast<const T*>(weight.data);
          const std::int64_t length = std::min<std::int64_t>(packed.pattern.m, packed.channels - first);
          std::int64_t left = satsuma::plugin::kept_in_group(packed.pattern, length);
          for (std::int64_t i = 0; i < length; ++i) {
            // Kept when fewer than `left` others come before it.
            std::int64_t before = 0;
            for (std::int64_t o = 0; o < length; ++o) {
              const T mine = std::abs(data[at(i)]), other = std::abs(data[at(o)]);
              before += other > mine || (other == mine && o < i) ? 1 : 0;
            }
            if (before >= left) continue;
            static_cast<T*>(packed.values)[out] = data[at(i)];
            packed.indices[out++] = static_cast<std::uint8_t>(i);
            if (kept) kept[at(i)] = 1;
          }
        }
      }
    }
  }

  std::int64_t products_ = 0;
  std::int64_t synchronized_ = 0;
  std::atomic<int> blocks_ = 0;
  std::atomic<int> forms_ = 0;
};

}  // namespace

const satsuma_plugin* satsuma_plugin_entry() {
  static const satsuma_plugin table = satsuma::plugin::table<Full>("full", "2.3", SATSUMA_ROW_MAJOR);
  return &table;
}
