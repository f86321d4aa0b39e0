#include "satsuma/sat/config.hpp"

#include <fmt/core.h>

#include <limits>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "src/core/setting_body.hpp"
#include "src/sat/fingerprint.hpp"

namespace satsuma::sat {

namespace {

const ConfigKey kKeys[] = {
    {{"card.name", "card that the accelerator is built on", &Config::card, 1, 64},
     "",
     Origin::paper,
     "the paper's card"},

    {{"array.rows", "rows of the array (STCE)", &Config::rows, 1, 1024},
     "USPEs",
     Origin::assumed,
     "a square array of 1024 USPEs"},
    {{"array.columns", "columns of the array", &Config::columns, 1, 1024},
     "USPEs",
     Origin::assumed,
     "as many as rows"},

    {{"clock.mhz", "clock of all engines", &Config::clock_mhz, 1, 10000},
     "MHz",
     Origin::assumed,
     "usual for this family of FPGAs"},

    {{"accumulator.latency", "from a multiply-add's operands to its FP32 sum", &Config::accumulator_latency,
      1, 64},
     "cycles",
     Origin::assumed,
     "a pipelined FP32 adder of three stages at this clock"},
    {{"accumulator.interleave", "independent outputs that may take turns in one USPE",
      &Config::accumulator_interleave, 1, 64},
     "outputs",
     Origin::assumed,
     "as many as hide the latency"},

    {{"sore.lanes", "top-K sorters side by side, one value a cycle each", &Config::sore_lanes, 1, 4096},
     "values/cycle",
     Origin::assumed,
     "one a column of the array"},

    {{"wuve.lanes", "weights that the update engine takes in a cycle", &Config::wuve_lanes, 1, 4096},
     "weights/cycle",
     Origin::assumed,
     "more than a channel of DRAM can feed with master weights and velocities"},
    {{"wuve.latency", "depth of the update's pipeline", &Config::wuve_latency, 1, 1024},
     "cycles",
     Origin::assumed,
     "four dependent FP32 operations of three stages"},

    {{"buffer.kib", "on-chip memory for operands and sums, shared out anew for each pass",
      &Config::buffer_kib, 1, 1048576},
     "KiB",
     Origin::assumed,
     "of the VU9P's 9.5 MB BRAM and 33.75 MB URAM, what is left beside FIFOs and the shell"},
    {{"buffer.bank_kib", "smallest piece that an operand gets", &Config::buffer_bank_kib, 1, 1024},
     "KiB",
     Origin::assumed,
     "one URAM block, 288 Kbit with its check bits"},

    {{"dram.channels", "channels of DRAM in use", &Config::dram_channels, 1, 64},
     "channels",
     Origin::assumed,
     "the least of the card's 1 to 4, so that bandwidth does not flatter the result"},
    {{"dram.gbps_per_channel", "peak of one channel", &Config::dram_gbps_per_channel, 0.001, 10000},
     "GB/s",
     Origin::assumed,
     "DDR4-2400, 64 bits wide"},
    {{"dram.burst_bytes", "smallest transfer; every contiguous run is rounded up to it",
      &Config::dram_burst_bytes, 1, 65536},
     "bytes",
     Origin::assumed,
     "burst length 8 of 64 bits"},
    {{"dram.efficiency", "share of the peak that long runs reach", &Config::dram_efficiency, 0.01, 1},
     "",
     Origin::assumed,
     "refresh, page misses and turns between reading and writing"},
    {{"dram.latency_ns", "from the first request of a pass to its first byte", &Config::dram_latency_ns, 0,
      1e6},
     "ns",
     Origin::assumed,
     "controller and DRAM, unloaded"},

    {{"control.cycles_per_tile", "to start a tile: instruction decoding and addresses",
      &Config::control_cycles_per_tile, 0, 1000000},
     "cycles",
     Origin::assumed,
     "an instruction a tile, decoded by a small state machine"},

    {{"energy.mac_pj", "multiply-add, FP16 operands and FP32 sum", &Config::energy_mac_pj, 0, 1e6},
     "pJ",
     Origin::assumed,
     "DSP blocks and LUTs of a 16 nm FPGA"},
    {{"energy.buffer_pj_per_byte", "on-chip memory, read or written", &Config::energy_buffer_pj_per_byte, 0,
      1e6},
     "pJ/byte",
     Origin::assumed,
     "URAM and BRAM of a 16 nm FPGA"},
    {{"energy.dram_pj_per_byte", "DRAM and its interface", &Config::energy_dram_pj_per_byte, 0, 1e6},
     "pJ/byte",
     Origin::assumed,
     "DDR4, about 19 pJ a bit"},
    {{"energy.sore_pj_per_value", "one value through a sorter", &Config::energy_sore_pj_per_value, 0, 1e6},
     "pJ",
     Origin::assumed,
     "N comparators of 15 bits"},
    {{"energy.wuve_pj_per_weight", "one weight's optimiser step", &Config::energy_wuve_pj_per_weight, 0, 1e6},
     "pJ",
     Origin::assumed,
     "four FP32 operations"},
    {{"energy.static_watts", "static power and clock tree", &Config::energy_static_watts, 0, 1e6},
     "W",
     Origin::assumed,
     "a large FPGA, warm"},
};

}  // namespace

double Config::peak_gops() const {
  return 2e-3 * static_cast<double>(rows) * static_cast<double>(columns) * clock_mhz;
}

double Config::dram_bytes_per_cycle() const {
  return static_cast<double>(dram_channels) * dram_gbps_per_channel * 1e3 / clock_mhz * dram_efficiency;
}

Config with_ideal_memory(Config config) {
  // Beyond the ranges of the keys: these are limits, no card has them.
  config.buffer_kib = std::int64_t{1} << 50;
  config.dram_gbps_per_channel = std::numeric_limits<double>::infinity();
  config.dram_latency_ns = 0;
  config.control_cycles_per_tile = 0;
  return config;
}

std::string_view to_string(Origin origin) {
  return origin == Origin::paper ? "P" : "A";
}

std::span<const ConfigKey> config_keys() {
  return kKeys;
}

const ConfigKey& find_config_key(std::string_view key) {
  return find_named("key", key, kKeys, &ConfigKey::key);
}

void ConfigKey::set(Config& config, std::string_view typed) const {
  read(config, typed, fmt::format("'{}'", key));
}

void override_config(Config& config, std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    throw UsageError(fmt::format("got '{}', expected key=value, for example array.rows=16", assignment));
  }
  find_config_key(assignment.substr(0, equals)).set(config, assignment.substr(equals + 1));
}

std::string fingerprint(const Config& config) {
  std::string text;
  for (const ConfigKey& key : kKeys) text += fmt::format("{}={}\n", key.key, key.text(config));
  return fingerprint_of(text);
}

}  // namespace satsuma::sat

template struct satsuma::Setting<satsuma::sat::Config>;
