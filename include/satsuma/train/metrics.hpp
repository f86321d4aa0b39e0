#pragma once

#include <cstdint>

#include "satsuma/train/placement.hpp"

namespace satsuma::train {

/// Sums over a number of training steps.
struct Tally {
  double loss_sum = 0;  ///< loss of each image
  std::int64_t correct = 0;
  std::int64_t images = 0;
  Work work;           ///< executed by the devices
  double seconds = 0;  ///< waiting for data included, evaluation and saving not

  Tally& operator+=(const Tally& other);
  /// Means over the images; NaN when there are none.
  double loss() const;
  double accuracy() const;
  /// NaN when no time has passed.
  double images_per_second() const;
};

/// Share of `dense_macs` that was saved; 0 when nothing was executed.
double saving(const Work& work);

}  // namespace satsuma::train
