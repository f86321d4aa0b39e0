#include "tools/satsuma/methods.hpp"

#include <fmt/core.h>

#include <memory>

#include "satsuma/sparse/method.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/table.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::string name;
  bool json = false;
};

Json to_json(const Method& method) {
  return {{"name", method.name},
          {"summary", method.summary},
          {"ff_weight", to_string(method.ff_weight)},
          {"bp_weight", to_string(method.bp_weight)},
          {"bp_gradient", to_string(method.bp_gradient)},
          {"transposable", method.transposable},
          {"chooses_bp_weight", method.chooses_bp_weight},
          {"default_sr_ste", method.default_sr_ste}};
}

void print(const Method& method) {
  fmt::print("{}: {}\n", method.name, method.summary);
  const auto along = [](OperandKind kind, const char* axis) {
    const OperandPlan operand{kind};
    return operand.skips() ? fmt::format("{} N:M along {}", to_string(kind), axis)
                           : std::string(to_string(kind));
  };
  fmt::print("  FF  Y = X * W      weight {}\n", along(method.ff_weight, "input channels"));
  fmt::print("  BP  dX = dY * W^T  weight {}, gradient {}\n", along(method.bp_weight, "output channels"),
             along(method.bp_gradient, "output channels"));
  fmt::print("  WU  dW = X^T * dY  gradient dense, or sampled N:M along images with --wu\n");
  if (method.transposable)
    fmt::print("  one mask for both weights, in whole blocks of M x M channels; other layers stay dense\n");
  if (method.chooses_bp_weight) fmt::print("  --bp masked or packed: the weight in BP\n");
  // The term acts on what W_ff leaves out.
  if (method.ff_weight != OperandKind::dense && !method.transposable)
    fmt::print("  --sr-ste {} where none is given\n", method.default_sr_ste);
}

int list(const Settings& settings) {
  if (!settings.name.empty()) {
    const Method& method = find_method(settings.name);
    settings.json ? print_json(to_json(method)) : print(method);
    return 0;
  }
  if (settings.json) {
    Json all = Json::array();
    for (const Method* const method : methods()) all.push_back(to_json(*method));
    print_json({{"methods", all}});
    return 0;
  }
  Table table({"method", "summary"}, {Table::Align::left, Table::Align::left});
  for (const Method* const method : methods())
    table.add({std::string(method->name), std::string(method->summary)});
  table.print();
  return 0;
}

}  // namespace

void add_methods(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      program.add_command("methods", "List pruning methods, or show what one prunes in which pass");
  command.add_option("NAME", settings->name, "show this method only");
  command.add_flag("--json", settings->json, "one JSON object on standard output");
  command.footer("Example: satsuma methods bdwp");
  command.run([settings] { return list(*settings); });
}

}  // namespace satsuma::tools
