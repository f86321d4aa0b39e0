#include "src/device/lowering.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma {

namespace {

/// B of one part stays within this, so that it is still in a cache when it is multiplied.
constexpr std::int64_t kPartBytes = std::int64_t{4} << 20;

/// Position of the input that output position `at` reads under tap `tap`, or -1.
std::int64_t source(Pass pass, const Geometry& g, std::size_t axis, std::int64_t at, std::int64_t tap,
                    std::int64_t extent) {
  if (pass == Pass::ff) {
    const std::int64_t h = at * g.stride[axis] - g.padding[axis] + tap * g.dilation[axis];
    return h >= 0 && h < extent ? h : -1;
  }
  const std::int64_t steps = at + g.padding[axis] - tap * g.dilation[axis];
  if (steps < 0 || steps % g.stride[axis] != 0) return -1;
  return steps / g.stride[axis] < extent ? steps / g.stride[axis] : -1;
}

/// One part: rows [first, last) of the output's pixels in one block of images.
struct Part {
  std::int64_t block;
  std::int64_t first;
  std::int64_t last;
};

class Lowering {
 public:
  Lowering(Pass pass, const Geometry& geometry, const Tensor& input, const Tensor& bias, Tensor& output)
      : pass_(pass),
        geometry_(geometry),
        in_(input.data<float>()),
        out_(output.data<float>()),
        bias_(bias.defined() ? bias.data<float>() : nullptr),
        channels_(input.dim(1)),
        in_height_(input.dim(2)),
        in_width_(input.dim(3)),
        rows_(output.dim(1)),
        width_(output.dim(3)),
        in_strides_(input.layout().strides),
        out_strides_(output.layout().strides) {}

  std::int64_t b_rows() const { return geometry_.kernel[0] * geometry_.kernel[1] * channels_; }

  /// B of a part, [R][S][channels][pixels][16].
  void unfold(const Part& part, float* b) const {
    const std::int64_t columns = (part.last - part.first) * width_ * kLanes;
    parallel_for(b_rows(), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t tap = row / channels_;
        const std::int64_t r = tap / geometry_.kernel[1], s = tap % geometry_.kernel[1];
        const float* const from = in_ + part.block * in_strides_[0] + row % channels_ * in_strides_[1];
        float* to = b + row * columns;
        for (std::int64_t p = part.first; p < part.last; ++p) {
          const std::int64_t h = source(pass_, geometry_, 0, p, r, in_height_);
          for (std::int64_t q = 0; q < width_; ++q, to += kLanes) {
            const std::int64_t w = h < 0 ? -1 : source(pass_, geometry_, 1, q, s, in_width_);
            if (w < 0) {
              std::fill_n(to, kLanes, 0.0F);
            } else {
              std::copy_n(from + h * in_strides_[2] + w * in_strides_[3], kLanes, to);
            }
          }
        }
      }
    });
  }

  /// C of a part, [rows][pixels][16], to where it belongs.
  void fold(const Part& part, const float* c) const {
    const std::int64_t pixels = (part.last - part.first) * width_;
    parallel_for(pixels, 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t pixel = begin; pixel < end; ++pixel) {
        const std::int64_t p = part.first + pixel / width_, q = pixel % width_;
        float* const to = out_ + part.block * out_strides_[0] + p * out_strides_[2] + q * out_strides_[3];
        for (std::int64_t row = 0; row < rows_; ++row) {
          const float* const from = c + (row * pixels + pixel) * kLanes;
          const float add = bias_ ? bias_[row] : 0.0F;
          for (std::int64_t lane = 0; lane < kLanes; ++lane)
            to[row * out_strides_[1] + lane] = from[lane] + add;
        }
      }
    });
  }

 private:
  Pass pass_;
  const Geometry& geometry_;
  const float* in_;
  float* out_;
  const float* bias_;
  std::int64_t channels_, in_height_, in_width_, rows_, width_;
  Shape in_strides_, out_strides_;
};

}  // namespace

void lower(const Geometry& geometry, MatrixProduct product, const Tensor& input, const Tensor& bias,
           Tensor& output, const std::function<void(const MatrixProduct&)>& multiply) {
  const Lowering lowering(product.pass, geometry, input, bias, output);
  const std::int64_t height = output.dim(2), width = output.dim(3);
  const std::int64_t row_floats = width * kLanes;
  const std::int64_t row_bytes = lowering.b_rows() * row_floats * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t part_rows = std::clamp<std::int64_t>(kPartBytes / row_bytes, 1, height);
  const auto take = [&](std::int64_t rows) {
    return allocate_host(static_cast<std::size_t>(rows * part_rows * row_floats) * sizeof(float));
  };
  const auto b = take(lowering.b_rows());
  const auto c = take(output.dim(1));
  product.b = reinterpret_cast<const float*>(b.get());
  product.c = reinterpret_cast<float*>(c.get());
  for (std::int64_t block = 0; block < ceil_div(output.dim(0), kLanes); ++block) {
    for (std::int64_t first = 0; first < height; first += part_rows) {
      const Part part{block, first, std::min(first + part_rows, height)};
      product.columns = (part.last - part.first) * row_floats;
      lowering.unfold(part, reinterpret_cast<float*>(b.get()));
      multiply(product);
      lowering.fold(part, product.c);
    }
  }
}

Tensor weight_rows(Pass pass, const Tensor& weight) {
  if (pass == Pass::ff) return weight.to(MemoryFormat::channels_last);
  constexpr std::array kTransposed = {1, 0, 2, 3};
  return weight.permute_view(kTransposed).to(MemoryFormat::channels_last);
}

MatrixProduct product_of(const LayerPlan& plan, Pass pass, const Tensor& a) {
  MatrixProduct product;
  product.rows = a.dim(0);
  product.segments = a.dim(2) * a.dim(3);
  product.length = product.kept = a.dim(1);
  product.operands = plan.operands;
  product.pass = pass;
  product.a = a.data<float>();
  return product;
}

MatrixProduct product_of(const LayerPlan& plan, Pass pass, const PackedWeight& a) {
  MatrixProduct product;
  product.rows = a.rows();
  product.segments = a.dense_shape[2] * a.dense_shape[3];
  product.length = a.dense_shape[a.axis == GroupAxis::input_channels ? 1 : 0];
  product.kept = a.kept();
  product.pattern = a.pattern;
  product.operands = plan.operands;
  product.pass = pass;
  product.a = a.values.data<float>();
  product.indices = a.indices.data<std::uint8_t>();
  return product;
}

}  // namespace satsuma
