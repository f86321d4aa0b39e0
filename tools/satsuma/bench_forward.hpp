#pragma once

#include <functional>

#include "tools/satsuma/cli_names.hpp"

namespace satsuma::tools {

/// `satsuma bench forward`: inference of a model at several sizes of the batch, by method and beside a peer.
CLI::App* add_bench_forward(CLI::App& bench, std::function<int()>& run);

}  // namespace satsuma::tools
