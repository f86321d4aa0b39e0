#include "tools/satsuma/models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <memory>

#include "models/registry.hpp"
#include "satsuma/core/no_storage.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/layers.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string name;
  bool json = false;
};

struct Size {
  std::int64_t parameters = 0;
  std::int64_t layers = 0;
  std::int64_t macs = 0;  ///< FF, of one image
};

Size measure(const models::Entry& entry, const models::Options& options) {
  const NoStorage shapes_only;
  Rng rng(0);
  const std::shared_ptr<nn::Module> model = entry.create(options, rng);
  Size size;
  for (const nn::Parameter& parameter : model->parameters()) size.parameters += parameter.value.numel();
  for (const Layer& layer : trace_layers(*model, options.input)) {
    ++size.layers;
    size.macs += layer.dense_macs().ff;
  }
  return size;
}

int show(const models::Entry& entry, bool json) {
  models::Options options;
  options.input = {3, entry.pixels, entry.pixels};
  const Size size = measure(entry, options);
  if (json) {
    print_json({{"name", entry.name},
                {"summary", entry.summary},
                {"input", std::vector<std::int64_t>(options.input.begin(), options.input.end())},
                {"classes", options.classes},
                {"parameters", size.parameters},
                {"layers", size.layers},
                {"ff_macs", size.macs}});
    return 0;
  }
  fmt::print("{}: {}\n", entry.name, entry.summary);
  fmt::print("  for an input of {} and {} classes:\n", fmt::join(options.input, "x"), options.classes);
  fmt::print("  parameters  {}\n", short_count(static_cast<double>(size.parameters)));
  fmt::print("  layers      {} convolution and linear\n", size.layers);
  fmt::print("  forward     {} multiply-adds an image\n", short_count(static_cast<double>(size.macs)));
  fmt::print("Layer by layer: satsuma info --model {}\n", entry.name);
  return 0;
}

int list(const Settings& settings) {
  if (!settings.name.empty()) return show(models::find(settings.name), settings.json);
  Json all = Json::array();
  Table table({"model", "summary"}, {Table::Align::left, Table::Align::left});
  for (const models::Entry& entry : models::entries()) {
    all.push_back({{"name", entry.name}, {"summary", entry.summary}});
    table.add({std::string(entry.name), std::string(entry.summary)});
  }
  settings.json ? print_json({{"models", all}}) : table.print();
  return 0;
}

}  // namespace

void add_models(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command("models", "List models, or show the size of one");
  command.add_option("NAME", settings->name, "show this model only");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma models resnet18");
  command.run([settings] { return list(*settings); });
}

}  // namespace satsuma::tools
