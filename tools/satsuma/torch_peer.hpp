#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "src/core/json.hpp"
#include "tools/satsuma/peer_process.hpp"

namespace satsuma::tools {

/// What a script of tools/bench measures of PyTorch, in a process of its own: the training step of a model in
/// one memory format and precision (torch_step.py), an epoch of torchvision's loader (torch_loader.py).
/// Between two it waits and takes no processor time.
class TorchPeer {
 public:
  /// `config` is the script's; `format` and `precision` are in it. Waits at most
  /// `patience` for the script to start, and for each answer. Throws Error when `python` does not run, has no
  /// PyTorch, or the script does not know the model.
  TorchPeer(const std::string& python, const std::string& script, const Json& config,
            std::chrono::seconds patience);

  /// Runs `steps` steps and returns what the last of them took. Throws Error when there is no such answer.
  double seconds(int steps);
  /// One more measured turn: one step to warm caches, one that counts.
  void take_turn() { turns_.push_back(seconds(2)); }

  /// `PyTorch 2.1.0 channels_last`.
  std::string name() const;
  const std::string& precision() const { return precision_; }
  /// How far the process has grown at most, bytes.
  double peak_memory() const { return peak_memory_; }
  const std::vector<double>& turns() const { return turns_; }
  Json to_json() const;

 private:
  std::string python_, format_, precision_;
  std::unique_ptr<PeerProcess> process_;
  Json versions_;
  std::vector<double> turns_;
  double peak_memory_ = 0;
};

}  // namespace satsuma::tools
