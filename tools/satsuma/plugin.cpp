#include "tools/satsuma/plugin.hpp"

#include <fmt/core.h>

#include <array>
#include <cctype>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/train/new_directories.hpp"
#include "tools/satsuma/plugin_sample.hpp"
#include "tools/satsuma/proposal.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string name;
  std::string language = "cpp";
  std::string out;
};

void check_name(const std::string& name) {
  constexpr std::size_t kLongest = 32;
  bool good = !name.empty() && name.size() <= kLongest && name[0] >= 'a' && name[0] <= 'z';
  for (const char c : name) good = good && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  if (!good) {
    throw UsageError(fmt::format(
        "plugin new got the name '{}', expected a-z, 0-9 and _, a letter first, at most {}", name, kLongest));
  }
  for (const DeviceEntry& entry : device_entries()) {
    if (entry.name == name)
      throw UsageError(fmt::format("a device '{}' is built in; take another name", name));
  }
}

/// `text` with the sample's name, also at the beginning of a class's, replaced.
std::string renamed(std::string text, const std::string& name) {
  std::string class_name = name;
  class_name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(class_name[0])));
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>("sample", name), {"Sample", class_name}}) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
      text.replace(at, from.size(), to);
  }
  return text;
}

/// All files, in a folder that must be new, or none.
std::vector<fs::path> write_files(const fs::path& folder, const Settings& settings) {
  std::vector<fs::path> written;
  const std::vector<fs::path> made = train::make_directories(folder, "create the folder");
  if (made.empty())
    throw UsageError(fmt::format("{} is there already; give another folder with --out", folder.string()));
  try {
    for (const EmbeddedFile& file : plugin_sample()) {
      if (file.folder != settings.language) continue;
      const fs::path path = folder / renamed(std::string(file.name), settings.name);
      train::write_atomically(path, renamed(std::string(file.content), settings.name));
      written.push_back(path);
    }
  } catch (...) {
    std::error_code error;
    for (const fs::path& path : written) fs::remove(path, error);
    train::remove_directories(made);
    throw;
  }
  return written;
}

int run_new(const Settings& settings) {
  check_name(settings.name);
  find_named("language", settings.language, std::array{"cpp", "c"});
  const fs::path folder = settings.out.empty() ? settings.name : settings.out;
  for (const fs::path& path : write_files(folder, settings)) fmt::print("{}\n", path.string());
  fmt::print("try next\n  meson setup {0} {1} && ninja -C {0}\n", shell_quoted(folder / "build"),
             shell_quoted(folder));
  fmt::print("  satsuma devices test {} --plugin {}\n", settings.name,
             shell_quoted(folder / "build" / fmt::format("lib{}.so", settings.name)));
  return 0;
}

}  // namespace

void add_plugin(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command plugin = program.add_command("plugin", "Write the skeleton of a device of your own");
  plugin.require_command();
  plugin.footer("Example: satsuma plugin new mine");
  const Command command = plugin.add_command("new", "A device that works, in a folder with build files");
  command.add_option("NAME", settings->name, "of the device: a-z, 0-9 and _").required();
  command.add_option("--language", settings->language, "cpp or c").show_default();
  command.add_option("--out", settings->out, "folder to create [NAME]");
  command.footer(
      "docs/backends.md explains the interface.\n"
      "Example: satsuma plugin new mine");
  command.run([settings] { return run_new(*settings); });
}

}  // namespace satsuma::tools
