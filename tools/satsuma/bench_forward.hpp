#pragma once

#include "tools/satsuma/command.hpp"

namespace satsuma::tools {

/// `satsuma bench forward`: inference of a model at several sizes of the batch, by method and beside a peer.
void add_bench_forward(const Command& bench);

}  // namespace satsuma::tools
