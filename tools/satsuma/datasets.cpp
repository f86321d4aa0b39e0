#include "tools/satsuma/datasets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <memory>

#include "datasets/places.hpp"
#include "datasets/registry.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/datasets_get.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string name;
  std::string directory;
  bool json = false;
};

std::vector<std::int64_t> extents(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

/// A value for each channel: a data set may give one that holds for all.
std::vector<double> per_channel(std::vector<double> values, const Shape& input) {
  if (values.size() == 1) values.resize(static_cast<std::size_t>(input[0]), values.front());
  return values;
}

Json to_json(const datasets::Entry& entry, const std::string& found) {
  Json downloads = Json::array();
  for (const datasets::Download& file : entry.downloads)
    downloads.push_back({{"url", file.url}, {"md5", file.md5}});
  return {{"name", entry.name},
          {"summary", entry.summary},
          {"input", extents(entry.input)},
          {"classes", entry.classes},
          {"mean", per_channel(entry.normalisation.mean, entry.input)},
          {"std", per_channel(entry.normalisation.std, entry.input)},
          {"pad", entry.normalisation.pad},
          {"train_count", entry.train_count},
          {"test_count", entry.test_count},
          {"found", found},
          {"how_to_get", entry.how_to_get},
          {"downloads", downloads}};
}

void print(const datasets::Entry& entry, const std::string& found) {
  fmt::print("{}: {}\n", entry.name, entry.summary);
  fmt::print("  input    {} (channels x height x width)\n", fmt::join(entry.input, "x"));
  fmt::print("  classes  {}\n", entry.classes);
  fmt::print("  images   {} for training, {} for testing\n", entry.train_count, entry.test_count);
  fmt::print("  values   {} black pixels added on each side, then (x / 255 - mean) / std\n",
             entry.normalisation.pad);
  fmt::print("  mean     {}\n", fmt::join(per_channel(entry.normalisation.mean, entry.input), " "));
  fmt::print("  std      {}\n", fmt::join(per_channel(entry.normalisation.std, entry.input), " "));
  fmt::print("  found    {}\n", found.empty() ? "no" : found);
  if (entry.how_to_get.empty()) return;
  fmt::print("  get      {}\n", entry.how_to_get);
  if (entry.downloads.empty()) return;
  fmt::print("  put into {}\n", datasets::own_place(entry.name).string());
  for (const datasets::Download& file : entry.downloads)
    fmt::print("  MD5      {}  {}\n", file.md5, file.url);
}

int list(const Settings& settings) {
  datasets::Options options;
  options.directory = settings.directory;
  if (!settings.name.empty()) {
    const datasets::Entry& entry = datasets::find(settings.name);
    const std::string found = entry.find(options);
    settings.json ? print_json(to_json(entry, found)) : print(entry, found);
    return 0;
  }
  Json all = Json::array();
  Table table({"data set", "input", "classes", "train", "test", "found", "summary"},
              {Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::right,
               Table::Align::right, Table::Align::left, Table::Align::left});
  for (const datasets::Entry& entry : datasets::entries()) {
    const std::string found = entry.find(options);
    all.push_back(to_json(entry, found));
    table.add({std::string(entry.name), fmt::format("{}", fmt::join(entry.input, "x")),
               std::to_string(entry.classes), std::to_string(entry.train_count),
               std::to_string(entry.test_count), found.empty() ? "no" : found, std::string(entry.summary)});
  }
  settings.json ? print_json({{"datasets", all}}) : table.print();
  return 0;
}

}  // namespace

void add_datasets(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command("datasets", "List data sets and where they are, or show one");
  command.add_option("NAME", settings->name, "show this data set only");
  command.add_option("--data-dir", settings->directory, "look in this directory instead of the usual places");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma datasets fashion-mnist");
  add_datasets_get(command);
  command.run([settings] { return list(*settings); });
}

}  // namespace satsuma::tools
