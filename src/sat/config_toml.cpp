#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "satsuma/sat/config.hpp"
#include "src/core/setting_toml.hpp"

namespace satsuma::sat {

namespace {

const ConfigKey& key_of(std::string_view source, const std::string& path, const toml::node& node) {
  try {
    return find_config_key(path);
  } catch (const UsageError& error) {
    refuse(source, node, error.what());
  }
}

/// Walks the tables; `prefix` is `` or `array.`.
void set_all(std::string_view source, const toml::table& table, const std::string& prefix, Config& config) {
  for (const auto& [name, node] : table) {
    const std::string path = prefix + std::string(name.str());
    if (const toml::table* const inner = node.as_table(); inner != nullptr && prefix.empty()) {
      set_all(source, *inner, path + ".", config);
      continue;
    }
    set_from_toml(source, key_of(source, path, node), node, config);
  }
}

}  // namespace

Config parse_config(std::string_view text, std::string_view source, const Config& base) {
  Config config = base;
  set_all(source, parse_toml(text, source), "", config);
  return config;
}

Config read_config(const std::filesystem::path& path, const Config& base) {
  return parse_config(read_text(path.string(), "configuration"), path.string(), base);
}

std::string to_toml(const Config& config) {
  std::string text =
      "# A configuration of SAT. [P]: the paper (arXiv 2309.13015) says so. [A]: assumed, with the "
      "assumption.\n";
  std::string_view table;
  for (const ConfigKey& key : config_keys()) {
    const std::size_t dot = key.key.find('.');
    if (key.key.substr(0, dot) != table) text += fmt::format("\n[{}]\n", key.key.substr(0, dot));
    table = key.key.substr(0, dot);
    const std::string unit = key.unit.empty() ? "" : fmt::format(" ({})", key.unit);
    text += fmt::format("# {}{}. [{}] {}.\n{} = {}\n", key.help, unit, to_string(key.origin), key.reason,
                        key.key.substr(dot + 1), toml_value<Config>(key, config));
  }
  return text;
}

}  // namespace satsuma::sat
