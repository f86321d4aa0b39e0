#include "satsuma/sat/config.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "src/sat/fingerprint.hpp"

namespace satsuma::sat {

namespace {

constexpr std::size_t kLongestText = 64;

const ConfigKey kKeys[] = {
    {"card.name", "", "card that the accelerator is built on", Origin::paper, "the paper's card",
     &Config::card},

    {"array.rows", "USPEs", "rows of the array (STCE)", Origin::assumed, "a square array of 1024 USPEs",
     &Config::rows, 1, 1024},
    {"array.columns", "USPEs", "columns of the array", Origin::assumed, "as many as rows", &Config::columns,
     1, 1024},

    {"clock.mhz", "MHz", "clock of all engines", Origin::assumed, "usual for this family of FPGAs",
     &Config::clock_mhz, 1, 10000},

    {"accumulator.latency", "cycles", "from a multiply-add's operands to its FP32 sum", Origin::assumed,
     "a pipelined FP32 adder of three stages at this clock", &Config::accumulator_latency, 1, 64},
    {"accumulator.interleave", "outputs", "independent outputs that may take turns in one USPE",
     Origin::assumed, "as many as hide the latency", &Config::accumulator_interleave, 1, 64},

    {"sore.lanes", "values/cycle", "top-K sorters side by side, one value a cycle each", Origin::assumed,
     "one a column of the array", &Config::sore_lanes, 1, 4096},

    {"wuve.lanes", "weights/cycle", "weights that the update engine takes in a cycle", Origin::assumed,
     "more than a channel of DRAM can feed with master weights and velocities", &Config::wuve_lanes, 1, 4096},
    {"wuve.latency", "cycles", "depth of the update's pipeline", Origin::assumed,
     "four dependent FP32 operations of three stages", &Config::wuve_latency, 1, 1024},

    {"buffer.kib", "KiB", "on-chip memory for operands and sums, shared out anew for each pass",
     Origin::assumed, "of the VU9P's 9.5 MB BRAM and 33.75 MB URAM, what is left beside FIFOs and the shell",
     &Config::buffer_kib, 1, 1048576},
    {"buffer.bank_kib", "KiB", "smallest piece that an operand gets", Origin::assumed,
     "one URAM block, 288 Kbit with its check bits", &Config::buffer_bank_kib, 1, 1024},

    {"dram.channels", "channels", "channels of DRAM in use", Origin::assumed,
     "the least of the card's 1 to 4, so that bandwidth does not flatter the result", &Config::dram_channels,
     1, 64},
    {"dram.gbps_per_channel", "GB/s", "peak of one channel", Origin::assumed, "DDR4-2400, 64 bits wide",
     &Config::dram_gbps_per_channel, 0.001, 10000},
    {"dram.burst_bytes", "bytes", "smallest transfer; every contiguous run is rounded up to it",
     Origin::assumed, "burst length 8 of 64 bits", &Config::dram_burst_bytes, 1, 65536},
    {"dram.efficiency", "", "share of the peak that long runs reach", Origin::assumed,
     "refresh, page misses and turns between reading and writing", &Config::dram_efficiency, 0.01, 1},
    {"dram.latency_ns", "ns", "from the first request of a pass to its first byte", Origin::assumed,
     "controller and DRAM, unloaded", &Config::dram_latency_ns, 0, 1e6},

    {"control.cycles_per_tile", "cycles", "to start a tile: instruction decoding and addresses",
     Origin::assumed, "an instruction a tile, decoded by a small state machine",
     &Config::control_cycles_per_tile, 0, 1000000},

    {"energy.mac_pj", "pJ", "multiply-add, FP16 operands and FP32 sum", Origin::assumed,
     "DSP blocks and LUTs of a 16 nm FPGA", &Config::energy_mac_pj, 0, 1e6},
    {"energy.buffer_pj_per_byte", "pJ/byte", "on-chip memory, read or written", Origin::assumed,
     "URAM and BRAM of a 16 nm FPGA", &Config::energy_buffer_pj_per_byte, 0, 1e6},
    {"energy.dram_pj_per_byte", "pJ/byte", "DRAM and its interface", Origin::assumed,
     "DDR4, about 19 pJ a bit", &Config::energy_dram_pj_per_byte, 0, 1e6},
    {"energy.sore_pj_per_value", "pJ", "one value through a sorter", Origin::assumed,
     "N comparators of 15 bits", &Config::energy_sore_pj_per_value, 0, 1e6},
    {"energy.wuve_pj_per_weight", "pJ", "one weight's optimiser step", Origin::assumed,
     "four FP32 operations", &Config::energy_wuve_pj_per_weight, 0, 1e6},
    {"energy.static_watts", "W", "static power and clock tree", Origin::assumed, "a large FPGA, warm",
     &Config::energy_static_watts, 0, 1e6},
};

[[noreturn]] void refuse(const ConfigKey& key, std::string_view typed) {
  throw UsageError(fmt::format("'{}' got '{}', expected {}", key.key, typed, key.allowed()));
}

template <typename T>
T parse_number(const ConfigKey& key, std::string_view typed) {
  T value{};
  const char* const end = typed.data() + typed.size();
  const auto [stop, error] = std::from_chars(typed.data(), end, value);
  // The comparison is written so that NaN fails.
  const bool inside = static_cast<double>(value) >= key.least && static_cast<double>(value) <= key.most;
  if (error != std::errc{} || stop != end || !inside) refuse(key, typed);
  return value;
}

bool printable(std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return !text.empty() && text.size() <= kLongestText;
}

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
  std::vector<std::string_view> known;
  for (const ConfigKey& entry : kKeys) {
    if (entry.key == key) return entry;
    known.push_back(entry.key);
  }
  throw UsageError(unknown_name("key", key, known));
}

std::string ConfigKey::text(const Config& config) const {
  return std::visit([&](auto pointer) { return fmt::format("{}", config.*pointer); }, member);
}

std::string ConfigKey::allowed() const {
  if (std::holds_alternative<std::string Config::*>(member)) {
    return fmt::format("a text of 1 to {} printable characters", kLongestText);
  }
  const bool whole = std::holds_alternative<std::int64_t Config::*>(member);
  return fmt::format("a {}number from {} to {}", whole ? "whole " : "", least, most);
}

void ConfigKey::set(Config& config, std::string_view typed) const {
  std::visit(
      [&](auto pointer) {
        using Value = std::remove_cvref_t<decltype(config.*pointer)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          if (!printable(typed)) refuse(*this, typed);
          config.*pointer = std::string(typed);
        } else {
          config.*pointer = parse_number<Value>(*this, typed);
        }
      },
      member);
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
