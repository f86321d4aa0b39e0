#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/core/json_fwd.hpp"
#include "src/cpu/machine_peak.hpp"
#include "tools/satsuma/bench_settings.hpp"
#include "tools/satsuma/peer_flags.hpp"
#include "tools/satsuma/trainee.hpp"

namespace satsuma::tools {

using Trainees = std::vector<std::unique_ptr<Trainee>>;

/// What `bench step` has measured.
struct StepReport {
  BenchSettings bench;
  std::vector<std::string> devices;
  Trainees trainees;
  Peers peers;
  cpu::MachinePeak peak;

  Json to_json() const;
  /// Times, the ratios to peers, and where the time of each trainee goes.
  void print() const;

 private:
  /// Multiply-adds of layers that a step executes, of those that the machine makes in the time that it takes.
  double of_peak(const Trainee& trainee) const;
};

}  // namespace satsuma::tools
