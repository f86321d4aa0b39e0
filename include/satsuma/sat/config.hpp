#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "satsuma/core/setting.hpp"

namespace satsuma::sat {

/// The accelerator that is simulated (arXiv 2309.13015, section IV). What each value means, its unit, its
/// range and where it comes from are said once, in config_keys().
struct Config {
  std::string card = "VCU1525";

  std::int64_t rows = 32;
  std::int64_t columns = 32;
  double clock_mhz = 200;

  std::int64_t accumulator_latency = 3;
  std::int64_t accumulator_interleave = 3;

  std::int64_t sore_lanes = 32;
  std::int64_t wuve_lanes = 16;
  std::int64_t wuve_latency = 12;

  std::int64_t buffer_kib = 32768;
  std::int64_t buffer_bank_kib = 32;

  std::int64_t dram_channels = 1;
  double dram_gbps_per_channel = 19.2;
  std::int64_t dram_burst_bytes = 64;
  double dram_efficiency = 0.85;
  double dram_latency_ns = 100;

  std::int64_t control_cycles_per_tile = 16;

  double energy_mac_pj = 12;
  double energy_buffer_pj_per_byte = 1.5;
  double energy_dram_pj_per_byte = 150;
  double energy_sore_pj_per_value = 4;
  double energy_wuve_pj_per_weight = 60;
  double energy_static_watts = 10;

  /// 2 operations (multiply and add) for each USPE and cycle, in 1e9 a second.
  double peak_gops() const;
  /// Bytes that all channels together deliver in a cycle of the array, long bursts.
  double dram_bytes_per_cycle() const;
  double seconds(std::int64_t cycles) const { return static_cast<double>(cycles) / (clock_mhz * 1e6); }

  bool operator==(const Config& other) const = default;
};

/// Where a value comes from: the paper says so, or we assume it.
enum class Origin : std::uint8_t { paper, assumed };
/// `P` or `A`.
std::string_view to_string(Origin origin);

/// One value of a configuration, `array.rows`: table and name in its file, `key=value` on the command line.
struct ConfigKey : Setting<Config> {
  std::string_view unit;
  Origin origin = Origin::assumed;
  std::string_view reason;  ///< the assumption in words; for [P] what the paper says

  /// Reads a value as it is typed. Throws UsageError with the key, what was typed and what is allowed.
  void set(Config& config, std::string_view typed) const;
};

/// All keys, in the order of the file.
std::span<const ConfigKey> config_keys();
/// Throws UsageError with the known keys and the nearest one.
const ConfigKey& find_config_key(std::string_view key);

/// Sets one value from `key=value`. Throws UsageError.
void override_config(Config& config, std::string_view assignment);

/// The values of a TOML file on top of `base`. Throws IoError when it cannot be read, FormatError naming
/// file, line and key on bad TOML, an unknown key, a wrong type or a value out of range.
Config read_config(const std::filesystem::path& path, const Config& base = {});
/// The same from text; `source` stands for the file in messages.
Config parse_config(std::string_view text, std::string_view source, const Config& base = {});
/// `config` with a memory that never makes the array wait: buffers hold everything, DRAM delivers at once,
/// and a tile starts in no time. What is left is the array, as SCALE-Sim counts it.
Config with_ideal_memory(Config config);
/// The configuration as TOML, every value with its unit, meaning and origin as comments; parse_config() of it
/// gives the same configuration.
std::string to_toml(const Config& config);

/// Eight hexadecimal digits that differ between configurations (used to tie schedules to one).
std::string fingerprint(const Config& config);

}  // namespace satsuma::sat

extern template struct satsuma::Setting<satsuma::sat::Config>;
