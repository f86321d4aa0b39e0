#include "tools/satsuma/sat_config_flags.hpp"

#include <algorithm>

#include "tools/satsuma/data_files.hpp"

namespace satsuma::tools {

void SatConfigFlags::add_to(const Command& command) {
  command
      .add_option("--config", file_,
                  "the accelerator: a TOML file, or one that comes with Satsuma [the values of sat-vcu1525]")
      .type_name("FILE");
  command.add_option("--set", values_, "one value of the configuration: array.rows=16; may be repeated")
      .type_name("KEY=VALUE")
      .repeatable();
}

sat::Config SatConfigFlags::read() const {
  sat::Config config;
  if (!file_.empty()) config = sat::read_config(shipped_or_given("configs", file_));
  for (const std::string& value : values_) sat::override_config(config, value);
  return config;
}

bool SatConfigFlags::says(std::string_view key) const {
  return !file_.empty() || std::any_of(values_.begin(), values_.end(), [&](const std::string& value) {
    return value.substr(0, value.find('=')) == key;
  });
}

}  // namespace satsuma::tools
