#include "src/devices/reference/reference_device.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/device/gradient_operand.hpp"

namespace satsuma {

std::shared_ptr<Device> create_reference_device() {
  return std::make_shared<ReferenceDevice>();
}

namespace {

/// One image of a rank-4 tensor as a function of its indices.
template <typename T>
struct Image {
  T* data;
  std::int64_t channel, row, column;  ///< strides

  T& operator()(std::int64_t c, std::int64_t h, std::int64_t w) const {
    return data[c * channel + h * row + w * column];
  }
};

/// A rank-4 tensor as its images.
template <typename T>
struct View {
  T* data;
  Layout layout;

  Image<T> operator[](std::int64_t n) const {
    const Shape& strides = layout.strides;
    return {data + n / layout.lanes * strides[0] + n % layout.lanes, strides[1], strides[2], strides[3]};
  }
};

template <typename T>
View<const T> view_of(const Tensor& tensor) {
  return {tensor.data<T>(), tensor.layout()};
}

template <typename T>
View<T> writable_view_of(Tensor& tensor) {
  return {tensor.data<T>(), tensor.layout()};
}

/// Zeroes an output, its padding lanes too: they may hold anything that is finite.
void clear(Tensor& output) {
  std::fill_n(output.raw(), static_cast<std::size_t>(output.extent()) * size_of(output.dtype()),
              std::byte{0});
}

/// One weight that takes part in an output row: where it stands, and its value.
struct Term {
  std::int64_t channel;  ///< of the operand that is read: input channel in FF, output channel in BP
  std::size_t r, s;      ///< tap
  double weight;
};

/// The terms of each row of a packed weight: its kept elements, in the order in which they lie.
template <typename T>
std::vector<std::vector<Term>> packed_terms(const PackedWeight& w) {
  std::vector<std::vector<Term>> rows(static_cast<std::size_t>(w.rows()));
  const T* value = w.values.data<T>();
  const Tensor indices = row_indices(w);
  const std::uint8_t* index = indices.data<std::uint8_t>();
  for (auto& row : rows) {
    for (std::int64_t r = 0; r < w.values.dim(1); ++r) {
      for (std::int64_t s = 0; s < w.values.dim(2); ++s) {
        for (std::int64_t j = 0; j < w.kept(); ++j) {
          const std::int64_t group = j / w.pattern.n;
          row.push_back({group * w.pattern.m + *index++, static_cast<std::size_t>(r),
                         static_cast<std::size_t>(s), static_cast<double>(*value++)});
        }
      }
    }
  }
  return rows;
}

/// The terms of each output channel (FF) or, `transposed`, of each input channel (BP).
template <typename T>
std::vector<std::vector<Term>> terms_of(const Geometry& geometry, const WeightOperand& operand,
                                        bool transposed) {
  if (operand.packed) return packed_terms<T>(*operand.packed);
  const auto weight = view_of<T>(*operand.dense);
  const std::int64_t inputs = geometry.in_channels / geometry.groups;
  const std::int64_t outputs = geometry.out_channels / geometry.groups;
  std::vector<std::vector<Term>> rows(
      static_cast<std::size_t>(transposed ? geometry.in_channels : geometry.out_channels));
  for (std::int64_t k = 0; k < geometry.out_channels; ++k) {
    for (std::int64_t r = 0; r < geometry.kernel[0]; ++r) {
      for (std::int64_t s = 0; s < geometry.kernel[1]; ++s) {
        for (std::int64_t i = 0; i < inputs; ++i) {
          const std::int64_t c = k / outputs * inputs + i;
          const auto value = static_cast<double>(weight[k](i, r, s));
          rows[static_cast<std::size_t>(transposed ? c : k)].push_back(
              {transposed ? k : c, static_cast<std::size_t>(r), static_cast<std::size_t>(s), value});
        }
      }
    }
  }
  return rows;
}

std::int64_t count_terms(const std::vector<std::vector<Term>>& rows) {
  std::size_t count = 0;
  for (const auto& row : rows) count += row.size();
  return static_cast<std::int64_t>(count);
}

/// Input position under tap `r` of output position `p`.
std::int64_t input_position(const Geometry& geometry, std::size_t axis, std::int64_t p, std::int64_t r) {
  return p * geometry.stride[axis] - geometry.padding[axis] + r * geometry.dilation[axis];
}

/// Of each tap the input position under it at output position `p`, or -1 where that is padding.
std::vector<std::int64_t> input_positions(const Geometry& geometry, std::size_t axis, std::int64_t p,
                                          std::int64_t extent) {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(geometry.kernel[axis]), -1);
  std::int64_t r = 0;
  for (std::int64_t& position : positions) {
    const std::int64_t h = input_position(geometry, axis, p, r++);
    if (h >= 0 && h < extent) position = h;
  }
  return positions;
}

/// Of each tap the output position at which it falls on input position `h`, or -1 where there is none.
std::vector<std::int64_t> output_positions(const Geometry& geometry, std::size_t axis, std::int64_t h,
                                           std::int64_t extent) {
  std::vector<std::int64_t> positions(static_cast<std::size_t>(geometry.kernel[axis]), -1);
  std::int64_t steps = h + geometry.padding[axis];
  for (std::int64_t& position : positions) {
    if (steps >= 0 && steps % geometry.stride[axis] == 0 && steps / geometry.stride[axis] < extent)
      position = steps / geometry.stride[axis];
    steps -= geometry.dilation[axis];
  }
  return positions;
}

}  // namespace

std::string ReferenceDevice::description() const {
  return fmt::format("plain loops, double accumulation, {} threads", threads());
}

Support ReferenceDevice::supports(const LayerPlan& plan, Pass pass) const {
  if (plan.dtype != DType::f32 && plan.dtype != DType::f64) {
    return Support::no(fmt::format("it computes in f32 and f64, not in {}", to_string(plan.dtype)));
  }
  if (plan.operands != DType::f32 && plan.operands != DType::bf16 && plan.operands != DType::f16) {
    return Support::no(fmt::format("it has no products of {}", to_string(plan.operands)));
  }
  if (plan[pass].gradient.skips() && plan.geometry.groups > 1)
    return Support::no("pruned gradients have one group of channels");
  if (plan[pass].gradient.kind == OperandKind::sampled && plan.dtype != DType::f32)
    return Support::no(fmt::format("it samples gradients of f32, not {}", to_string(plan.dtype)));
  if (!plan[pass].weight.pattern.dense() && plan.geometry.groups > 1) {
    return Support::no("packed weights have one group of channels");
  }
  return {};
}

void ReferenceDevice::forward(const LayerPlan& plan, const Tensor& exact_x, const WeightOperand& exact_w,
                              const Tensor& bias, Tensor& y) {
  const Geometry& geometry = plan.geometry;
  const Tensor x = rounded(exact_x, plan.operands);
  const RoundedWeight w(exact_w, plan.operands);
  Counters::PerPass& counter = counters_[Pass::ff];
  const Stopwatch stopwatch(counter.nanoseconds);
  const std::int64_t height = x.dim(2), width = x.dim(3);
  const std::int64_t images = y.dim(0), out_height = y.dim(2), out_width = y.dim(3);
  clear(y);
  dispatch_real("reference forward", x.dtype(), [&](auto element) {
    using T = decltype(element);
    const auto in = view_of<T>(x);
    const auto out = writable_view_of<T>(y);
    const auto rows = terms_of<T>(geometry, w.operand(), false);
    parallel_for(images * out_height, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t p = i % out_height;
        const auto from = in[i / out_height];
        const auto to = out[i / out_height];
        const auto h = input_positions(geometry, 0, p, height);
        for (std::int64_t q = 0; q < out_width; ++q) {
          const auto v = input_positions(geometry, 1, q, width);
          for (std::int64_t k = 0; k < geometry.out_channels; ++k) {
            double sum = bias.defined() ? static_cast<double>(bias.data<T>()[k]) : 0.0;
            for (const Term& term : rows[static_cast<std::size_t>(k)]) {
              if (h[term.r] < 0 || v[term.s] < 0) continue;
              sum += term.weight * static_cast<double>(from(term.channel, h[term.r], v[term.s]));
            }
            to(k, p, q) = static_cast<T>(sum);
          }
        }
      }
    });
    counter.macs += images * out_height * out_width * count_terms(rows);
  });
  ++counter.calls;
  counter.dense_macs += images * geometry.dense_macs(out_height, out_width);
}

void ReferenceDevice::backward_data(const LayerPlan& plan, const Tensor& exact_dy,
                                    const WeightOperand& exact_w, Tensor& dx) {
  const Geometry& geometry = plan.geometry;
  const Tensor dy = gradient_operand(plan, Pass::bp, {}, exact_dy);
  const RoundedWeight w(exact_w, plan.operands);
  Counters::PerPass& counter = counters_[Pass::bp];
  const Stopwatch stopwatch(counter.nanoseconds);
  const std::int64_t images = dx.dim(0), height = dx.dim(2), width = dx.dim(3);
  const std::int64_t out_height = dy.dim(2), out_width = dy.dim(3);
  clear(dx);
  dispatch_real("reference backward_data", dy.dtype(), [&](auto element) {
    using T = decltype(element);
    const auto in = view_of<T>(dy);
    const auto out = writable_view_of<T>(dx);
    const auto rows = terms_of<T>(geometry, w.operand(), true);
    parallel_for(images * height, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const std::int64_t h = i % height;
        const auto from = in[i / height];
        const auto to = out[i / height];
        const auto p = output_positions(geometry, 0, h, out_height);
        for (std::int64_t v = 0; v < width; ++v) {
          const auto q = output_positions(geometry, 1, v, out_width);
          for (std::int64_t c = 0; c < geometry.in_channels; ++c) {
            double sum = 0;
            for (const Term& term : rows[static_cast<std::size_t>(c)]) {
              if (p[term.r] < 0 || q[term.s] < 0) continue;
              sum += term.weight * static_cast<double>(from(term.channel, p[term.r], q[term.s]));
            }
            to(c, h, v) = static_cast<T>(sum);
          }
        }
      }
    });
    // Of the terms of dY's channels a pruned one leaves as many in every group.
    const OperandPlan& gradient = plan[Pass::bp].gradient;
    const std::int64_t kept = gradient.skips() ? kept_along(gradient.pattern, geometry.out_channels) : 1;
    const std::int64_t of = gradient.skips() ? geometry.out_channels : 1;
    counter.macs += images * out_height * out_width * count_terms(rows) / of * kept;
  });
  ++counter.calls;
  counter.dense_macs += images * geometry.dense_macs(out_height, out_width);
}

void ReferenceDevice::backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& exact_x,
                                       const Tensor& exact_dy, Tensor& dw, Tensor& dbias) {
  const Geometry& geometry = plan.geometry;
  const Tensor x = rounded(exact_x, plan.operands);
  const Tensor dy = gradient_operand(plan, Pass::wu, key, exact_dy);
  Counters::PerPass& counter = counters_[Pass::wu];
  const Stopwatch stopwatch(counter.nanoseconds);
  const std::int64_t images = x.dim(0), height = x.dim(2), width = x.dim(3);
  const std::int64_t out_height = dy.dim(2), out_width = dy.dim(3);
  const std::int64_t inputs = geometry.in_channels / geometry.groups;
  const std::int64_t outputs = geometry.out_channels / geometry.groups;
  dispatch_real("reference backward_weights", x.dtype(), [&](auto element) {
    using T = decltype(element);
    const auto in = view_of<T>(x);
    const auto grad = view_of<T>(dy);
    const auto out = writable_view_of<T>(dw);
    // dw[k, i, r, s] is the sum over images and output pixels of dy times the input under that tap.
    const auto weight_gradient = [&](std::int64_t k, std::int64_t i, std::int64_t r, std::int64_t s) {
      const std::int64_t c = k / outputs * inputs + i;
      double sum = 0;
      for (std::int64_t n = 0; n < images; ++n) {
        const auto image = in[n];
        const auto gradient = grad[n];
        for (std::int64_t p = 0; p < out_height; ++p) {
          const std::int64_t h = input_position(geometry, 0, p, r);
          if (h < 0 || h >= height) continue;
          for (std::int64_t q = 0; q < out_width; ++q) {
            const std::int64_t v = input_position(geometry, 1, q, s);
            if (v < 0 || v >= width) continue;
            sum += static_cast<double>(gradient(k, p, q)) * static_cast<double>(image(c, h, v));
          }
        }
      }
      return static_cast<T>(sum);
    };
    // A sum, no product: not rounded to bf16. A device of f16 holds no other dY.
    const Tensor whole_dy = plan.operands == DType::f16 ? rounded(exact_dy, DType::f16) : exact_dy;
    const auto bias_terms = view_of<T>(whole_dy);
    const auto bias_gradient = [&](std::int64_t k) {
      double sum = 0;
      for (std::int64_t n = 0; n < images; ++n) {
        const auto gradient = bias_terms[n];
        for (std::int64_t p = 0; p < out_height; ++p) {
          for (std::int64_t q = 0; q < out_width; ++q) sum += static_cast<double>(gradient(k, p, q));
        }
      }
      return static_cast<T>(sum);
    };
    T* const bias = dbias.defined() ? dbias.data<T>() : nullptr;
    parallel_for(geometry.out_channels, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        for (std::int64_t i = 0; i < inputs; ++i) {
          for (std::int64_t r = 0; r < geometry.kernel[0]; ++r) {
            for (std::int64_t s = 0; s < geometry.kernel[1]; ++s)
              out[k](i, r, s) = weight_gradient(k, i, r, s);
          }
        }
        if (bias) bias[k] = bias_gradient(k);
      }
    });
  });
  ++counter.calls;
  const OperandPlan& gradient = plan[Pass::wu].gradient;
  const std::int64_t kept = gradient.skips() ? kept_images(gradient.pattern, images) : images;
  counter.macs += kept * geometry.dense_macs(out_height, out_width);
  counter.dense_macs += images * geometry.dense_macs(out_height, out_width);
}

PackedWeight ReferenceDevice::compress(const Tensor& weight, GroupAxis axis, Pattern pattern) {
  const Stopwatch stopwatch(counters_.compress_nanoseconds);
  return compress_reference(weight, axis, pattern);
}

void ReferenceDevice::update(const UpdateArgs& args) {
  const Stopwatch stopwatch(counters_.update_nanoseconds);
  apply_update(args);
  if (args.packed_ff)
    *args.packed_ff = compress_reference(args.weight, GroupAxis::input_channels, args.pattern);
  if (args.packed_bp)
    *args.packed_bp = compress_reference(args.weight, GroupAxis::output_channels, args.pattern);
}

}  // namespace satsuma
