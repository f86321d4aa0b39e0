#pragma once

#include <memory>
#include <string>

#include "satsuma/data/loader.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/train/step.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/scale/step_model.hpp"

namespace satsuma::tools::scale {

/// A model in training on a fixed batch of noise, by itself or as one of several ranks.
class Trainee {
 public:
  /// `ranks` share a batch of `bench.batch_size`, and outlive this.
  Trainee(const BenchSettings& bench, const std::string& method, const std::string& exchange,
          distributed::Communicator& ranks);

  /// Seconds of a step.
  double step();
  /// Seconds that it has waited for others, in all.
  double waited() const { return step_->waited(); }
  /// The parts of a step, with an exchange that has nobody to exchange with.
  MeasuredStep parts();

 private:
  train::Recipe recipe_;
  std::shared_ptr<nn::Module> model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::unique_ptr<train::Step> step_;
  data::Batch batch_;
  std::int64_t steps_ = 0;
};

}  // namespace satsuma::tools::scale
