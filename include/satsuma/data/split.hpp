#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "satsuma/data/dataset.hpp"

namespace satsuma::data {

/// A part of a data set to train on and one to choose weights by.
struct TrainAndValidation {
  std::shared_ptr<const Dataset> train;
  std::shared_ptr<const Dataset> validation;
};

/// Keeps `share`, in (0, 1), of the images of each class for validation, rounded, but at least one and not
/// all where a class has two. Which depends on the seed and the images' names (below the directory that all
/// are in) alone: other images that come or go move few. Both parts keep the order of `whole`. Throws
/// UsageError when a part would be empty.
TrainAndValidation split_for_validation(std::shared_ptr<const Dataset> whole, double share,
                                        std::uint64_t seed);

}  // namespace satsuma::data
