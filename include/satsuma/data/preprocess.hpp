#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "satsuma/core/shape.hpp"
#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

/// How pictures become the input of a model outside training, as torchvision's evaluation does it: the
/// shorter side at `resize` pixels (bilinear with antialiasing, as PIL), the middle `crop` x `crop` pixels,
/// then the normalisation with its border. 0 leaves a step out. Immutable.
class Preprocess {
 public:
  /// `image` is Dataset::image_shape(). Throws UsageError when the normalisation does not fit, or images
  /// differ in size and there is no crop.
  Preprocess(const Shape& image, const Normalisation& normalisation, std::int64_t resize = 0,
             std::int64_t crop = 0);

  /// [C, H, W] of what comes out, border included.
  const Shape& output() const { return output_; }
  /// False where images of the data set have their size already: they are not touched but for the border.
  bool resizes() const { return resizes_; }
  /// Pictures need not be decoded any larger than with this as their shorter side (Dataset::read); 0: full
  /// size. Twice `resize`, so that antialiasing still averages.
  std::int64_t least_side() const { return resizes_ ? 2 * resize_ : 0; }

  /// Resized, cropped, and with its border: [H][W][C] bytes of output(). A picture that is not of the data
  /// set's size is brought there, its shorter side first. `scratch` is storage that is reused. Throws
  /// FormatError on another number of channels and on a picture whose sides differ by more than a factor of
  /// 100.
  void frame(Image& image, Image& scratch) const;

  /// The whole way: `values` are output().numel(), row-major [C][H][W].
  void operator()(Image image, std::span<float> values) const;

 private:
  Shape output_;
  std::int64_t pad_;
  std::int64_t resize_;
  bool resizes_;
  std::vector<float> table_;  // [C][256]: what a byte becomes
};

}  // namespace satsuma::data
