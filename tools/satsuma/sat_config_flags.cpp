#include "tools/satsuma/sat_config_flags.hpp"

#include <algorithm>
#include <filesystem>

namespace satsuma::tools {

namespace {

/// Where a configuration is: the path, or one of those that come with Satsuma.
std::filesystem::path config_path(const std::string& given) {
  const std::filesystem::path path = given;
  if (std::filesystem::exists(path) || path.has_parent_path()) return path;
  for (const char* folder : {SATSUMA_DATA_DIR "/configs", SATSUMA_SOURCE_DIR "/configs"}) {
    const std::filesystem::path shipped = std::filesystem::path(folder) / path;
    if (std::filesystem::exists(shipped)) return shipped;
  }
  return path;
}

}  // namespace

void SatConfigFlags::add_to(CLI::App& command) {
  command.add_option("--config", file_, "the accelerator: a TOML file [the values of sat-vcu1525.toml]")
      ->type_name("FILE");
  command.add_option("--set", values_, "one value of the configuration: array.rows=16; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

sat::Config SatConfigFlags::read() const {
  sat::Config config;
  if (!file_.empty()) config = sat::read_config(config_path(file_));
  for (const std::string& value : values_) sat::override_config(config, value);
  return config;
}

bool SatConfigFlags::says(std::string_view key) const {
  return !file_.empty() || std::any_of(values_.begin(), values_.end(), [&](const std::string& value) {
    return value.substr(0, value.find('=')) == key;
  });
}

}  // namespace satsuma::tools
