#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "satsuma/data/loader.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// Returns the signal that asks for the end, 0 for none. Asked once a step.
using StopRequest = std::function<int()>;

/// An image that a model takes for one of another class.
struct Mistake {
  std::int64_t index = 0;  ///< in the data set
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double probability = 0;  ///< of the predicted class
};

/// What a model makes of a data set.
struct Evaluation {
  /// Images whose largest probability lies in one fifteenth of [0, 1].
  struct Bin {
    std::int64_t count = 0;
    std::int64_t correct = 0;
    double confidence = 0;  ///< sum of their largest probabilities
  };
  static constexpr std::size_t kBins = 15;
  static constexpr std::size_t kMistakes = 32;

  double loss = 0;  ///< mean cross-entropy, without label smoothing and weights of classes
  double top1 = 0;  ///< share of images whose largest logit (the first of equal ones) stands at the label
  double top5 = 0;  ///< share whose label is among the five largest
  std::int64_t count = 0;
  double seconds = 0;
  std::int64_t classes = 0;
  std::vector<std::int64_t> confusion;  ///< [label][predicted], counts
  /// Expected calibration error (Guo et al., ICML 2017): mean over the images of |accuracy - confidence| of
  /// their bin.
  double calibration_error = 0;
  std::array<Bin, kBins> calibration = {};
  std::vector<Mistake> mistakes;  ///< the most confident ones, worst first
  /// Images that could not be read and count nowhere, by index (Recipe::skip_bad_images).
  std::vector<std::int64_t> left_out;

  std::int64_t images_of(std::int64_t label) const;
  std::int64_t correct_of(std::int64_t label) const;
  /// Names of `left_out`.
  std::vector<std::string> left_out_of(const data::Dataset& images) const;
};

/// Told after each batch how many images are done.
using EvaluationProgress = std::function<void(std::int64_t done)>;

/// Runs `model` over the batches of `loader`, which does not shuffle, in evaluation mode. Empty when `stop`
/// asked for the end. Where `ranks` share the batches (LoaderOptions::share_batches) all get the result of
/// all, and all end when one is asked to.
std::optional<Evaluation> evaluate(nn::Module& model, data::Loader& loader, const StopRequest& stop = {},
                                   const EvaluationProgress& progress = {},
                                   distributed::Communicator& ranks = distributed::alone());

}  // namespace satsuma::train
