#pragma once

#include "satsuma/train/checkpoint.hpp"
#include "satsuma/train/experiment.hpp"

namespace satsuma::train {

/// Labels have to mean what they did in training. Throws UsageError with those that do not, where the data
/// and the checkpoint both name their classes.
void check_same_classes(const ExperimentData& data, const Recipe& recipe, const CheckpointInfo& info);

}  // namespace satsuma::train
