#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace satsuma::tools {

/// `satsuma bench forward`: inference of a model at several sizes of the batch, by method and beside a peer.
CLI::App* add_bench_forward(CLI::App& bench, std::function<int()>& run);

}  // namespace satsuma::tools
