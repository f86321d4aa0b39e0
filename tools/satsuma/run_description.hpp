#pragma once

#include "satsuma/distributed/communicator.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/train/experiment.hpp"
#include "satsuma/train/run_directory.hpp"
#include "src/core/json_fwd.hpp"

namespace satsuma::tools {

/// Name in a run directory.
inline constexpr const char* kRunDescription = "run.json";

/// What `satsuma report` says of a run beside its log and its recipe: machine, versions, data, and how each
/// layer is computed as `model` is configured now, with multiply-adds an image by pass.
Json describe_run(const train::Recipe& recipe, nn::Module& model, const train::ExperimentData& data,
                  std::int64_t batches_per_epoch, const distributed::Communicator& ranks);

/// Writes it into the run directory. Throws IoError.
void write_description(const train::RunDirectory& directory, const Json& description);

}  // namespace satsuma::tools
