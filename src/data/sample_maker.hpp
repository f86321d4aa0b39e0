#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "satsuma/core/rng.hpp"
#include "satsuma/data/augment.hpp"
#include "satsuma/data/preprocess.hpp"
#include "src/data/batch_builder.hpp"

namespace satsuma::data {

/// What is done to one picture before it is normalised: brought to its size and augmented. Immutable.
class SampleMaker {
 public:
  /// Throws UsageError when the augmentation does not fit the images.
  SampleMaker(const Preprocess& preprocess, const Augmentation& expanded);

  /// Where all that is done is a shift and a flip of pictures that have their size: those, which BatchBuilder
  /// does while it lays out the bytes.
  struct Shift {
    std::int64_t padding = 0;
    double flip = 0;
  };
  const std::optional<Shift>& shift() const { return shift_; }

  /// Dataset::read's.
  std::int64_t least_side() const { return least_side_; }
  /// Makes `image` what the model gets, as bytes. Throws FormatError as Preprocess::frame does.
  void make(Image& image, Rng& rng, Image& scratch) const;

 private:
  using Step = std::function<void(Image& image, Rng& rng, Image& scratch)>;

  void add(const Augmentation::Step& step);

  Preprocess preprocess_;
  std::optional<Shift> shift_;
  std::int64_t least_side_;
  bool frames_ = true;  // false where random-resized-crop brings pictures to their size
  std::vector<Step> steps_;
};

}  // namespace satsuma::data
