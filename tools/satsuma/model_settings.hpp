#pragma once

#include <memory>
#include <string>

#include "models/registry.hpp"
#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// The options that say which model is meant, for the subcommands that need no data set.
struct ModelSettings {
  std::string model;
  std::string input;  ///< CxHxW; empty is of the size that the model is made for
  std::string stem = "cifar";
  std::int64_t classes = 10;
  double width = 1.0;
  bool recompute = false;  ///< of those who train

  /// Adds --model (required), --input, --stem, --classes and --width.
  void add_to(const Command& command);
  /// The options as the model takes them. Throws UsageError on a value that makes no sense.
  models::Options options() const;
  /// The model, its weights drawn from seed 0.
  std::shared_ptr<nn::Module> create() const;
  /// The model without weights, for those who ask for shapes only; see NoStorage.
  std::shared_ptr<nn::Module> create_shapes() const;
};

}  // namespace satsuma::tools
