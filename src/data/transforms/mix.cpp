#include "src/data/transforms/mix.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "src/data/transforms/crop.hpp"

namespace satsuma::data {

namespace {

/// Logarithm of a draw from Gamma(shape), which for small shapes is too small for a number (Marsaglia and
/// Tsang, "A simple method for generating gamma variables", 2000; shapes below 1 through that of one more).
double draw_log_gamma(double shape, Rng& rng) {
  const double raised = shape < 1 ? shape + 1 : shape;
  const double d = raised - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  const auto above_zero = [&] { return (static_cast<double>(rng.next()) + 0.5) * 0x1p-32; };
  for (;;) {
    const double x = static_cast<double>(rng.normal());
    const double v = std::pow(1 + c * x, 3);
    const double u = above_zero();
    if (v <= 0 || std::log(u) >= 0.5 * x * x + d - d * v + d * std::log(v)) continue;
    const double log_gamma = std::log(d * v);
    return shape < 1 ? log_gamma + std::log(above_zero()) / shape : log_gamma;
  }
}

/// Calls `f(own, before)` for each value of a row of pixels [begin, begin + count) of every image, where
/// `before` is that of the image before as it was. Images go from the last to the first, so that only the
/// last has to be kept; before the first comes `before_first`, or where that is undefined the last.
template <typename F>
void with_image_before(Tensor& images, const Tensor& before_first, std::int64_t begin, std::int64_t count,
                       std::vector<float>& last, F f) {
  const std::int64_t n = images.dim(0);
  const std::int64_t block = images.dim(1) * images.dim(2) * images.dim(3) * kLanes;
  float* const values = images.data<float>() + begin * kLanes;
  const auto at = [&](std::int64_t image) { return values + image / kLanes * block + image % kLanes; };
  last.resize(static_cast<std::size_t>(count));
  const float* const wraps = before_first.defined() ? before_first.data<float>() + begin * kLanes : at(n - 1);
  for (std::int64_t i = 0; i < count; ++i) last[static_cast<std::size_t>(i)] = wraps[i * kLanes];
  for (std::int64_t image = n - 1; image > 0; --image) {
    float* const own = at(image);
    const float* const before = at(image - 1);
    for (std::int64_t i = 0; i < count; ++i) own[i * kLanes] = f(own[i * kLanes], before[i * kLanes]);
  }
  float* const first = at(0);
  for (std::int64_t i = 0; i < count; ++i)
    first[i * kLanes] = f(first[i * kLanes], last[static_cast<std::size_t>(i)]);
}

}  // namespace

double draw_beta(double alpha, Rng& rng) {
  const double a = draw_log_gamma(alpha, rng);
  const double b = draw_log_gamma(alpha, rng);
  return 1 / (1 + std::exp(b - a));
}

Box draw_cut(double share, std::int64_t height, std::int64_t width, Rng& rng) {
  const std::int64_t x = draw_below(width, rng);
  const std::int64_t y = draw_below(height, rng);
  const double radius = 0.5 * std::sqrt(1 - share);
  const auto half_width = static_cast<std::int64_t>(radius * static_cast<double>(width));
  const auto half_height = static_cast<std::int64_t>(radius * static_cast<double>(height));
  Box box;
  box.left = std::max<std::int64_t>(x - half_width, 0);
  box.top = std::max<std::int64_t>(y - half_height, 0);
  box.width = std::min(x + half_width, width) - box.left;
  box.height = std::min(y + half_height, height) - box.top;
  return box;
}

void mix_images(Tensor& images, double share, const Tensor& before) {
  const auto own = static_cast<float>(share);
  const auto other = static_cast<float>(1 - share);
  // A row at a time: what is read of one image is still near when the next needs it.
  const std::int64_t row = images.dim(1) * images.dim(3);
  std::vector<float> last;
  for (std::int64_t y = 0; y < images.dim(2); ++y)
    with_image_before(images, before, y * row, row, last,
                      [&](float a, float b) { return own * a + other * b; });
}

void cut_images(Tensor& images, const Box& box, const Tensor& before) {
  const std::int64_t channels = images.dim(1);
  std::vector<float> last;
  for (std::int64_t y = box.top; y < box.top + box.height; ++y) {
    with_image_before(images, before, (y * images.dim(3) + box.left) * channels, box.width * channels, last,
                      [](float, float other) { return other; });
  }
}

Tensor mixed_targets(const Tensor& labels, std::int64_t classes, double share, const Tensor& before) {
  const std::int64_t n = labels.numel();
  Tensor targets = Tensor::zeros({n, classes}, DType::f32);
  float* const values = targets.data<float>();
  const auto* const label = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    values[i * classes + label[i]] += static_cast<float>(share);
    const std::int64_t other = i > 0              ? label[i - 1]
                               : before.defined() ? *before.data<std::int64_t>()
                                                  : label[n - 1];
    values[i * classes + other] += static_cast<float>(1 - share);
  }
  return targets;
}

void Mixing::apply(Batch& batch, std::int64_t classes, Rng& rng, const Batch& before) const {
  if (!on()) return;
  const bool cuts = rng.next() >> 31 != 0 ? cutmix > 0 : mixup <= 0;
  double share = draw_beta(cuts ? cutmix : mixup, rng);
  if (cuts) {
    const std::int64_t height = batch.images.dim(2);
    const std::int64_t width = batch.images.dim(3);
    const Box box = draw_cut(share, height, width, rng);
    cut_images(batch.images, box, before.images);
    share = 1 - static_cast<double>(box.width * box.height) / static_cast<double>(height * width);
  } else {
    mix_images(batch.images, share, before.images);
  }
  batch.targets = mixed_targets(batch.labels, classes, share, before.labels);
}

}  // namespace satsuma::data
