#pragma once

#include <cstddef>
#include <cstdint>

#include "satsuma/train/experiment.hpp"
#include "satsuma/train/progress.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// The largest batch whose training step takes at most `limit` bytes of host memory: what the allocator has
/// got from the system for model, optimiser, averages, gradients, activations and the batches that are kept
/// ready; images on disk or in a data set are not in it, nor is memory of a device of its own. Found by trial
/// steps of growing size on a model of its own, none of which is expected to go beyond the limit. Above 16
/// it is a multiple of 16, and it is at most the number of images. Throws UsageError where one image does
/// not fit.
std::int64_t find_batch_size(const Recipe& recipe, const ExperimentData& data, std::size_t limit,
                             Progress& progress);

/// The limit that a recipe gives: Recipe::memory, or nine tenths of what is free. Throws UsageError and
/// IoError.
std::size_t memory_limit(const Recipe& recipe);

}  // namespace satsuma::train
