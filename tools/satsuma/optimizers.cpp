#include "tools/satsuma/optimizers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <vector>

#include "satsuma/optim/optimizer.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string name;
  bool json = false;
};

/// The names of the tensors that it keeps for each parameter.
std::vector<std::string> states_of(const optim::Kind& kind) {
  std::vector<std::string> names;
  for (const std::string_view state : kind.states) {
    if (!state.empty()) names.emplace_back(state);
  }
  return names;
}

Json to_json(const optim::Kind& kind) {
  return {{"name", kind.name},
          {"summary", kind.summary},
          {"source", kind.source},
          {"default_lr", kind.default_lr},
          {"default_weight_decay", kind.default_weight_decay},
          {"decays_norms", !kind.adaptive},
          {"states", states_of(kind)}};
}

void print(const optim::Kind& kind) {
  fmt::print("{}: {}\n", kind.name, kind.summary);
  fmt::print("  source    {}\n", kind.source);
  fmt::print("  defaults  --lr {} --weight-decay {}\n", kind.default_lr, kind.default_weight_decay);
  fmt::print("  decays    {}\n", kind.adaptive
                                     ? "weights of convolution and linear layers; all under --decay-norms"
                                     : "all parameters");
  fmt::print("  keeps     {}\n", fmt::join(states_of(kind), ", "));
}

int list(const Settings& settings) {
  if (!settings.name.empty()) {
    const optim::Kind& kind = optim::find_optimizer(settings.name);
    settings.json ? print_json(to_json(kind)) : print(kind);
    return 0;
  }
  if (settings.json) {
    Json all = Json::array();
    for (const optim::Kind* const kind : optim::optimizers()) all.push_back(to_json(*kind));
    print_json({{"optimizers", all}});
    return 0;
  }
  Table table({"optimizer", "summary"}, {Table::Align::left, Table::Align::left});
  for (const optim::Kind* const kind : optim::optimizers())
    table.add({std::string(kind->name), std::string(kind->summary)});
  table.print();
  return 0;
}

}  // namespace

void add_optimizers(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command = program.add_command("optimizers", "List optimisers, or show one and its defaults");
  command.add_option("NAME", settings->name, "show this optimiser only");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma optimizers adamw");
  command.run([settings] { return list(*settings); });
}

}  // namespace satsuma::tools
