#pragma once

#include <memory>
#include <vector>

#include "satsuma/nn/module.hpp"
#include "satsuma/train/evaluation.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/progress.hpp"
#include "satsuma/train/recipe.hpp"

namespace satsuma::train {

/// The loss of training whose learning rate grows with each step (Smith, WACV 2017).
struct LrCurve {
  struct Point {
    double lr = 0;
    double loss = 0;      ///< of the step
    double smoothed = 0;  ///< mean over past steps with weights that fall by a factor of 0.9 a step
  };
  std::vector<Point> points;
  /// Where the smoothed loss falls fastest; 0 where it never falls.
  double steepest = 0;
  /// Where it is least.
  double least = 0;
};

struct LrFindOptions {
  double from = 1e-7;
  double to = 10;
  std::int64_t steps = 100;  ///< each a factor of the same size
};

/// Trains `model` as the recipe says, but for its learning rates, until the smoothed loss is four times the
/// least, and gives the model its weights back. Ends early, with what there is, when `stop` asks for it.
LrCurve find_lr(const Recipe& recipe, nn::Module& model, const ExperimentData& data, Progress& progress,
                const StopRequest& stop = {}, const LrFindOptions& options = {});

}  // namespace satsuma::train
