#pragma once

#include <cstdint>

#include "satsuma/distributed/communicator.hpp"
#include "satsuma/train/trainer.hpp"
#include "src/core/json_fwd.hpp"

namespace satsuma::tools {

/// Says what is about to be trained; `steps` are those of an epoch.
void describe(const train::Recipe& recipe, const nn::Module& model, const train::ExperimentData& data,
              std::int64_t steps, train::Progress& progress);
/// Says how it ended, and what to try next.
void summarise(const train::Recipe& recipe, const train::ExperimentData& data,
               const train::RunDirectory& directory, const train::Outcome& outcome,
               train::Progress& progress);
/// The object of `satsuma train --json`.
Json to_json(const train::Recipe& recipe, const train::ExperimentData& data, const nn::Module& model,
             const train::RunDirectory& directory, const train::Outcome& outcome,
             const distributed::Communicator& ranks);

}  // namespace satsuma::tools
