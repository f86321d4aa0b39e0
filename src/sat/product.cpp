#include "src/sat/product.hpp"

#include <algorithm>
#include <numeric>

#include "satsuma/core/integer.hpp"
#include "src/sat/checked.hpp"

namespace satsuma::sat {

namespace {

/// Input positions along one axis that meet the same number of taps.
struct Phase {
  std::int64_t taps = 0;
  std::int64_t extent = 0;
  std::int64_t count = 1;  ///< remainders that are alike
};

/// Position h meets tap r where (h + padding - r dilation) is a multiple of the stride. Remainders beyond the
/// extent and the kernel are empty, so at most extent + kernel of them are looked at.
std::vector<Phase> phases_of(std::int64_t extent, std::int64_t kernel, std::int64_t stride,
                             std::int64_t padding, std::int64_t dilation) {
  std::vector<Phase> phases;
  for (std::int64_t h = 0; h < std::min(stride, extent); ++h) {
    Phase phase{0, ceil_div(extent - h, stride), 1};
    const std::int64_t period = stride / std::gcd(stride, dilation);
    for (std::int64_t r = 0; r < std::min(kernel, period); ++r) {
      if ((h + padding - r * dilation) % stride == 0) phase.taps += (kernel - 1 - r) / period + 1;
    }
    const auto same = std::find_if(phases.begin(), phases.end(), [&](const Phase& other) {
      return other.taps == phase.taps && other.extent == phase.extent;
    });
    if (same == phases.end()) {
      phases.push_back(phase);
    } else {
      ++same->count;
    }
  }
  return phases;
}

bool pointwise(const Geometry& g) {
  return g.kernel == Pair{1, 1} && g.stride == Pair{1, 1} && g.padding == Pair{0, 0};
}

Product common(const Layer& layer, Pass pass) {
  const Geometry& g = layer.plan.geometry;
  Product product;
  product.pass = pass;
  product.images = layer.batch;
  product.in_channels = g.in_channels / g.groups;
  product.out_channels = g.out_channels / g.groups;
  product.pattern = layer.pattern(pass);
  product.repeats = g.groups;
  product.taps = g.kernel[0] * g.kernel[1];
  return product;
}

/// Dense operand X over the grid of output pixels.
Product over_outputs(const Layer& layer, Pass pass) {
  const Geometry& g = layer.plan.geometry;
  const Pair out = layer.output();
  Product product = common(layer, pass);
  product.rows = out[0];
  product.columns = out[1];
  product.window_rows = {g.stride[0], g.dilation[0] * (g.kernel[0] - 1) + 1, layer.input[0]};
  product.window_columns = {g.stride[1], g.dilation[1] * (g.kernel[1] - 1) + 1, layer.input[1]};
  return product;
}

PassProducts backward_data(const Layer& layer) {
  const Geometry& g = layer.plan.geometry;
  const Pair out = layer.output();
  PassProducts all;
  for (const Phase& row : phases_of(layer.input[0], g.kernel[0], g.stride[0], g.padding[0], g.dilation[0])) {
    for (const Phase& column :
         phases_of(layer.input[1], g.kernel[1], g.stride[1], g.padding[1], g.dilation[1])) {
      if (row.taps == 0 || column.taps == 0) {
        all.untouched_bytes +=
            2 * g.in_channels * layer.batch * row.extent * row.count * column.extent * column.count;
        continue;
      }
      Product product = common(layer, Pass::bp);
      product.rows = row.extent;
      product.columns = column.extent;
      product.taps = row.taps * column.taps;
      const auto window = [&](std::size_t axis, std::int64_t taps) {
        const std::int64_t gap = g.dilation[axis] / std::gcd(g.dilation[axis], g.stride[axis]);
        return Window{1, (taps - 1) * gap + 1, out[axis]};
      };
      product.window_rows = window(0, row.taps);
      product.window_columns = window(1, column.taps);
      product.kept_gradient = layer.plan[Pass::bp].gradient.skips();
      product.scattered = g.stride[1] > 1;
      product.repeats *= row.count * column.count;
      all.products.push_back(product);
    }
  }
  return all;
}

}  // namespace

std::int64_t Window::needed(std::int64_t n) const {
  return std::min(limit, n * std::min(step, span) + std::max<std::int64_t>(0, span - step));
}

Loop Product::reduction() const {
  if (pass == Pass::wu) return Loop::pixels;
  return pass == Pass::ff ? Loop::in_channels : Loop::out_channels;
}

Loop Product::columns_loop() const {
  if (kept_gradient) return Loop::pixels;
  return pass == Pass::bp ? Loop::in_channels : Loop::out_channels;
}

Loop Product::vectors_loop() const {
  if (pass == Pass::wu || kept_gradient) return Loop::in_channels;
  return Loop::pixels;
}

ArrayProduct Product::on_array(const Tile& tile) const {
  const std::int64_t pixels = tile.images * tile.rows * columns;
  if (pass == Pass::wu) {
    // X streams; of a sampled dY what is kept stands in the columns, group by group of a block's images.
    const std::int64_t groups =
        pattern.dense() ? pixels : tile.rows * columns * image_groups(pattern, tile.images);
    const std::int64_t kept =
        pattern.dense() ? pixels : tile.rows * columns * kept_images(pattern, tile.images);
    return {tile.in_channels * taps, tile.out_channels, groups, kept, pattern.dense() ? 1 : pattern.n};
  }
  const bool ff = pass == Pass::ff;
  const std::int64_t reduced = ff ? tile.in_channels : tile.out_channels;
  const std::int64_t others = ff ? tile.out_channels : tile.in_channels;
  const bool dense = pattern.dense();
  const std::int64_t groups = taps * (dense ? reduced : ceil_div(reduced, pattern.m));
  const std::int64_t kept = taps * (dense ? reduced : kept_along(pattern, reduced));
  const std::int64_t slots = dense ? 1 : pattern.n;
  if (kept_gradient) return {others, pixels, groups, kept, slots};
  return {pixels, others, groups, kept, slots};
}

PassProducts products_of(const Layer& layer, Pass pass) {
  if (pass == Pass::bp && !pointwise(layer.plan.geometry)) return backward_data(layer);
  Product product = over_outputs(layer, pass);
  if (pointwise(layer.plan.geometry)) {
    product.rows = layer.input[0] * layer.input[1];
    product.columns = 1;
    product.window_rows = {1, 1, product.rows};
    product.window_columns = {1, 1, 1};
    product.kept_gradient = pass == Pass::bp && layer.plan[Pass::bp].gradient.skips();
  }
  return {{product}, 0};
}

}  // namespace satsuma::sat
