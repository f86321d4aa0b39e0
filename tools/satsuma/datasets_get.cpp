#include "tools/satsuma/datasets_get.hpp"

#include <fmt/core.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "datasets/places.hpp"
#include "datasets/registry.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/utf8.hpp"
#include "tools/satsuma/download/download.hpp"
#include "tools/satsuma/long_work.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/untar.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string name;
  std::string to;
  std::string from;
  bool quiet = false;
};

std::string_view file_name(std::string_view url) {
  return url.substr(url.rfind('/') + 1);
}

std::string address(const datasets::Download& file, const std::string& mirror) {
  if (mirror.empty()) return std::string(file.url);
  return mirror + (mirror.ends_with('/') ? "" : "/") + std::string(file_name(file.url));
}

void get_file(const datasets::Download& file, const fs::path& folder, const Settings& settings) {
  const std::string url = address(file, settings.from);
  const fs::path path = folder / file_name(file.url);
  {
    LongWork work(std::string(file_name(file.url)), "kB", 0, settings.quiet);
    download(url, path, file.md5,
             [&](std::int64_t done, std::int64_t all) { work.done(done / 1000, all / 1000); });
  }
  fmt::print("{}: {}, MD5 {}\n", shown_path(path.string()), short_bytes(fs::file_size(path)), file.md5);
  if (file.url.ends_with(".tar.gz")) {
    for (const fs::path& unpacked : untar(path, folder))
      fmt::print("  unpacked {}\n", shown_path(unpacked.string()));
  } else if (file.url.ends_with(".zip")) {
    fmt::print("unpack it: unzip -q '{}' -d '{}'\n", shown_path(path.string()), shown_path(folder.string()));
  }
}

int get(const Settings& settings) {
  const datasets::Entry& entry = datasets::find(settings.name);
  if (entry.downloads.empty()) {
    throw UsageError(fmt::format("data set '{}' is nothing to download{}{}", entry.name,
                                 entry.how_to_get.empty() ? "" : "; to get it: ", entry.how_to_get));
  }
  const fs::path folder = settings.to.empty() ? datasets::own_place(entry.name) : fs::path(settings.to);
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw IoError(train::io_message("create the directory", folder, failure.value()));
  for (const datasets::Download& file : entry.downloads) get_file(file, folder, settings);
  fmt::print("try next: satsuma train --data {}{}\n", entry.name,
             settings.to.empty() ? "" : fmt::format(" --data-dir '{}'", shown_path(settings.to)));
  return 0;
}

}  // namespace

void add_datasets_get(const Command& datasets) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      datasets.add_command("get", "Download the files of a data set, and check their sums");
  command.add_option("NAME", settings->name, "of the data set").required();
  command.add_option(
      "--to", settings->to,
      "directory for the files [$SATSUMA_DATA/NAME or ~/.cache/satsuma/NAME, where they are looked for]");
  command.add_option("--from", settings->from, "address of a mirror that has files of the same names");
  command.add_flag("--quiet", settings->quiet, "no progress");
  command.footer(
      "A download that was interrupted goes on where it was. Nothing else is ever downloaded.\n"
      "Example: satsuma datasets get cifar10");
  command.run([settings] { return get(*settings); });
}

}  // namespace satsuma::tools
