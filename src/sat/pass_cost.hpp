#pragma once

#include <cstdint>

#include "satsuma/sat/timing.hpp"
#include "src/sat/product.hpp"

namespace satsuma::sat {

/// What running products under a schedule costs, without the weight update.
struct PassCost {
  ArrayCycles array;
  std::int64_t control = 0;
  std::int64_t memory = 0;  ///< cycles that the array waits for DRAM
  std::int64_t sorter = 0;  ///< cycles that it waits for SORE, beyond those
  std::int64_t sore = 0;    ///< cycles in which SORE works
  std::int64_t sorted = 0;  ///< values through SORE
  std::int64_t bus = 0;     ///< bytes over the bus, rounded up to bursts
  Bytes read;
  Bytes written;
  double buffer_bytes = 0;  ///< moved between on-chip memory and array or DRAM
  double slots = 0;         ///< multiply-adds that the array executes

  std::int64_t cycles() const { return array.total() + control + memory + sorter; }
  PassCost& operator+=(const PassCost& other);
};

/// All products of a pass, one after another. `on_the_fly`: the weight comes dense, SORE prunes it.
PassCost pass_cost(const Config& config, const PassProducts& products, const PassSchedule& schedule,
                   bool on_the_fly);

/// True when the sums of an output tile are finished before another tile's are begun.
bool finishes_tiles_in_turn(const Product& product, const PassSchedule& schedule);

/// True when OS can run the product: either a tile holds the whole reduction, or its sums are one fold, which
/// stay in the array until the reduction is over.
bool keeps_sums_in_array(const Config& config, const Product& product, const PassSchedule& schedule);

/// Cycles that the array alone needs for a product under a tile, whatever the order and the memory.
std::int64_t array_bound(const Config& config, const Product& product, const PassSchedule& schedule);

/// Cycles that DRAM needs for `bus` bytes.
std::int64_t dram_cycles(const Config& config, std::int64_t bus);

}  // namespace satsuma::sat
