#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "satsuma/sat/config.hpp"
#include "satsuma/sat/schedule.hpp"
#include "satsuma/sat/workload.hpp"

namespace satsuma::sat {

/// Cycles in which the array does not issue multiply-adds, by cause. compute_cycles plus all of these are the
/// cycles of a pass.
struct Stalls {
  std::int64_t fill = 0;         ///< loading weights, filling and draining the array
  std::int64_t accumulator = 0;  ///< waiting for a sum that is still in the accumulator
  std::int64_t memory = 0;       ///< waiting for DRAM
  std::int64_t sorter = 0;       ///< waiting for SORE
  std::int64_t update = 0;       ///< waiting for WUVE, and the tail of WU behind the last tile
  std::int64_t control = 0;      ///< starting tiles

  std::int64_t total() const { return fill + accumulator + memory + sorter + update + control; }
  Stalls& operator+=(const Stalls& other);
};

/// Bytes between DRAM and chip, by operand.
struct Bytes {
  std::int64_t weights = 0;       ///< FP16 values, kept ones where packed
  std::int64_t indices = 0;       ///< of packed weights, ceil(log2 M) bits each
  std::int64_t activations = 0;   ///< FP16: X, Y
  std::int64_t gradients = 0;     ///< FP16: dY, dX
  std::int64_t partial_sums = 0;  ///< FP32 sums that leave the chip unfinished and come back
  std::int64_t optimizer = 0;     ///< FP32: master weights and velocity

  std::int64_t total() const {
    return weights + indices + activations + gradients + partial_sums + optimizer;
  }
  Bytes& operator+=(const Bytes& other);
};

/// Energy by component, in joules.
struct Energy {
  double mac = 0;
  double buffer = 0;
  double dram = 0;
  double sore = 0;
  double wuve = 0;
  double idle = 0;  ///< static power over the pass's time

  double total() const { return mac + buffer + dram + sore + wuve + idle; }
  Energy& operator+=(const Energy& other);
};

/// Cycles in which each engine works; engines overlap, so these do not add up to the cycles of a pass.
struct Busy {
  std::int64_t stce = 0;  ///< compute, fill and accumulator stalls
  std::int64_t sore = 0;
  std::int64_t wuve = 0;
  std::int64_t dram = 0;

  Busy& operator+=(const Busy& other);
};

/// What is counted for a pass, a layer or a whole step.
struct Counts {
  std::int64_t cycles = 0;          ///< compute_cycles + stalls.total()
  std::int64_t compute_cycles = 0;  ///< cycles in which the array issues, ragged edges included
  Stalls stalls;
  Busy busy;
  Bytes read;
  Bytes written;
  Energy energy;
  std::int64_t macs = 0;        ///< multiply-adds as `satsuma info` counts them
  std::int64_t dense_macs = 0;  ///< what they would be with dense operands

  Counts& operator+=(const Counts& other);
  /// Multiply-adds by what all USPEs could do in the same cycles, 0 to 1.
  double utilization(const Config& config) const;
  /// Operations (two a multiply-add) by bytes to and from DRAM: the abscissa of a roofline.
  double intensity() const;
  /// Operations a second in 1e9, as executed and as a dense pass would count them.
  double gops(const Config& config) const;
  double dense_equivalent_gops(const Config& config) const;
  double gops_per_watt() const;
};

struct PassTiming : Counts {
  Pass pass = Pass::ff;
  bool run = false;         ///< false: BP of the first layer, all counts are 0
  Pattern pattern;          ///< of the N:M operand
  bool on_the_fly = false;  ///< SORE pruned an operand on its way to the array
  PassSchedule schedule;
};

struct LayerTiming {
  std::string name;
  std::array<PassTiming, 3> pass = {};  ///< indexed by Pass

  PassTiming& operator[](Pass p) { return pass[static_cast<std::size_t>(p)]; }
  const PassTiming& operator[](Pass p) const { return pass[static_cast<std::size_t>(p)]; }
  Counts total() const;
};

struct StepTiming {
  std::int64_t batch = 0;
  std::vector<LayerTiming> layers;

  Counts total() const;
  Counts total(Pass pass) const;
  double images_per_second(const Config& config) const;
};

/// Time of one pass of one layer under a schedule, by the formulas of docs/sat.md. In WU `entry` says which
/// packed weights SORE makes behind WUVE; in FF and BP whether SORE prunes on the fly. Throws UsageError when
/// the schedule does not fit (check()).
PassTiming time_pass(const Config& config, const Layer& layer, Pass pass, const LayerSchedule& entry);

/// Time of a whole training step: passes one after another, SORE and WUVE beside the array in WU. Throws
/// UsageError when the schedule is for another workload or configuration.
StepTiming simulate(const Config& config, const Workload& workload, const Schedule& schedule);

}  // namespace satsuma::sat
