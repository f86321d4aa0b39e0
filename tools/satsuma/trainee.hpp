#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/nn/module.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/train/placement.hpp"
#include "tools/satsuma/bench_settings.hpp"

namespace satsuma {
class Profile;
}

namespace satsuma::tools {

/// A batch that stays in memory while steps are timed.
struct FixedBatch {
  Tensor images;
  Tensor labels;
};

/// Noise in the layout of activations, with random labels.
FixedBatch random_batch(const Shape& image, std::int64_t classes, std::int64_t count);

/// What all models that are timed are trained with: SGD with momentum, at a rate that is small enough for
/// hundreds of steps on one batch of noise.
std::unique_ptr<optim::Optimizer> bench_optimizer(const nn::Module& model);
inline constexpr double kBenchRate = 1e-4;

/// The model of `bench` in training under a method. `layers` has all but the method and its pattern.
std::shared_ptr<nn::Module> model_in_training(const BenchSettings& bench, const std::string& method,
                                              train::LayerOptions layers = {});

/// One model in training under one method. Seconds, memory and time by kind of operation are collected step
/// by step.
class Trainee {
 public:
  /// `device` runs the layers.
  Trainee(const BenchSettings& bench, const std::string& device, const std::string& method,
          const std::string& precision);

  /// A whole training step.
  void step(const FixedBatch& batch, bool keep);

  const std::string& device() const { return device_; }
  const std::string& method() const { return method_; }
  const std::string& precision() const { return precision_; }
  /// `bdwp fp32`
  std::string name() const;
  /// Of each step that was kept.
  const std::vector<double>& seconds() const { return seconds_; }
  std::size_t peak_memory() const { return peak_; }
  /// Multiply-adds of convolutions and linear layers that a step executes.
  std::int64_t macs() const { return macs_; }

  /// Share of the step by kind of operation, largest first.
  std::vector<std::pair<std::string, double>> shares() const;

 private:
  void book(const Profile& profile, const std::vector<Device*>& devices);

  std::size_t memory_before_;
  std::string device_;
  std::string method_;
  std::string precision_;
  std::shared_ptr<nn::Module> model_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::vector<double> seconds_;
  std::size_t own_memory_ = 0;  ///< between steps
  std::size_t peak_ = 0;
  std::int64_t macs_ = 0;
  std::map<std::string, double> nanoseconds_;
};

}  // namespace satsuma::tools
