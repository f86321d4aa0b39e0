#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/core/json_fwd.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/command.hpp"
#include "tools/satsuma/torch_peer.hpp"

namespace satsuma::tools {

using Peers = std::vector<std::unique_ptr<TorchPeer>>;

/// --peer, --peer-python and --peer-timeout of a bench.
struct PeerFlags {
  std::string peer;
  std::vector<std::string> pythons;
  int timeout = 300;

  void add_to(const Command& command);
  /// Throws UsageError for flags that do not go together.
  void check() const;
  /// And for a model that peers do not have.
  void check(const ModelSettings& model) const;
  /// The Pythons to ask: those that are named, or python3; none without --peer.
  std::vector<std::string> interpreters() const;
  /// A process in each memory format for each Python, of the model in batches of `batch_size` and of what
  /// `config` adds to that; none without --peer.
  Peers start(const ModelSettings& model, std::int64_t batch_size, Json config) const;
};

}  // namespace satsuma::tools
