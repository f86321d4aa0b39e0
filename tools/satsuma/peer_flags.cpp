#include "tools/satsuma/peer_flags.hpp"

#include <fmt/core.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/core/json.hpp"

namespace satsuma::tools {

void PeerFlags::add_to(const Command& command) {
  command.add_option("--peer", peer, "another framework in turns with ours: pytorch");
  command
      .add_option("--peer-python", pythons, "a Python with torch and torchvision [python3]; may be repeated")
      .repeatable();
  command
      .add_option("--peer-timeout", timeout, "seconds in which a peer has to start, and to answer each turn")
      .show_default();
}

void PeerFlags::check() const {
  if (!peer.empty()) find_named("peer", peer, std::array{"pytorch"});
  if (peer.empty() && !pythons.empty())
    throw UsageError("--peer-python got a Python and no --peer; add --peer pytorch");
  if (timeout < 1 || timeout > 86400) {
    throw UsageError(
        fmt::format("--peer-timeout got {}, expected a whole number from 1 to 86400 (a day)", timeout));
  }
}

void PeerFlags::check(const ModelSettings& model) const {
  check();
  if (!peer.empty() && (model.width != 1 || model.stem != "cifar")) {
    throw UsageError(fmt::format(
        "--peer pytorch got --stem {} --width {}, expected the models it has: --stem cifar --width 1",
        model.stem, model.width));
  }
}

std::vector<std::string> PeerFlags::interpreters() const {
  if (peer.empty()) return {};
  return pythons.empty() ? std::vector<std::string>{"python3"} : pythons;
}

Peers PeerFlags::start(const ModelSettings& model, std::int64_t batch_size, Json config) const {
  Peers peers;
  const models::Options options = model.options();
  config["model"] = model.model;
  config["input"] = std::vector<std::int64_t>(options.input.begin(), options.input.end());
  config["classes"] = options.classes;
  config["batch_size"] = batch_size;
  config["threads"] = threads();
  for (const std::string& python : interpreters()) {
    for (const char* const format : {"nchw", "channels_last"}) {
      config["format"] = format;
      peers.push_back(
          std::make_unique<TorchPeer>(python, "torch_step.py", config, std::chrono::seconds(timeout)));
    }
  }
  return peers;
}

}  // namespace satsuma::tools
