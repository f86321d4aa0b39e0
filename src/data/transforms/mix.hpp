#pragma once

#include "satsuma/core/rng.hpp"
#include "satsuma/data/loader.hpp"
#include "src/data/transforms/resize.hpp"

namespace satsuma::data {

/// Images of a batch mixed with the image before each (the first with the last), as torchvision's MixUp and
/// CutMix do it: one share for the whole batch.

/// A draw from Beta(alpha, alpha), alpha > 0.
double draw_beta(double alpha, Rng& rng);
/// The box that CutMix replaces: sides of sqrt(1 - share) of the picture's about a random point, cut off at
/// the border.
Box draw_cut(double share, std::int64_t height, std::int64_t width, Rng& rng);

/// x[n] = share x[n] + (1 - share) x[n - 1]. `before`, one image, comes before the first where the images are
/// a share of a batch; else, undefined, the last does.
void mix_images(Tensor& images, double share, const Tensor& before = {});
/// `box` of x[n] is that of x[n - 1].
void cut_images(Tensor& images, const Box& box, const Tensor& before = {});
/// [N, classes], f32: `share` at an image's own label, the rest at that of the image before.
Tensor mixed_targets(const Tensor& labels, std::int64_t classes, double share, const Tensor& before = {});

/// Mixes a batch by mixup, by cutmix, or where both are given by one of them, evenly drawn. 0 is off.
struct Mixing {
  double mixup = 0;   ///< alpha
  double cutmix = 0;  ///< alpha

  bool on() const { return mixup > 0 || cutmix > 0; }
  /// `before` is a batch of the one image before the first, or empty.
  void apply(Batch& batch, std::int64_t classes, Rng& rng, const Batch& before = {}) const;
};

}  // namespace satsuma::data
