#pragma once

#include "satsuma/distributed/communicator.hpp"
#include "satsuma/train/experiment.hpp"

namespace satsuma::train {

/// Ranks share a batch by places in one order of all images, so each has to have the same ones. Throws
/// UsageError on all ranks where sizes, classes or the names of pictures differ from rank 0's, naming a rank
/// and what it has.
void check_same_data(const ExperimentData& data, distributed::Communicator& ranks);

}  // namespace satsuma::train
