#pragma once

#include "satsuma/train/experiment.hpp"
#include "satsuma/train/progress.hpp"

namespace satsuma::tools {

/// Chooses a pattern for each layer so that a step takes at most the share Recipe::budget_macs of a dense
/// one's multiply-adds, and configures `model`, which is as training begins. The choice takes the budget's
/// place in the recipe, as `nm-for`: it is kept, resumed and counted as if it had been typed. Throws
/// UsageError where the budget cannot be met.
void choose_by_budget(train::Recipe& recipe, nn::Module& model, const train::ExperimentData& data,
                      train::Progress& progress);

}  // namespace satsuma::tools
