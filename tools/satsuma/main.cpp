#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <functional>

#include "satsuma/device/plugins.hpp"
#include "src/core/message.hpp"
#include "tools/satsuma/bench.hpp"
#include "tools/satsuma/command_line.hpp"
#include "tools/satsuma/compare.hpp"
#include "tools/satsuma/completion.hpp"
#include "tools/satsuma/data.hpp"
#include "tools/satsuma/datasets.hpp"
#include "tools/satsuma/devices.hpp"
#include "tools/satsuma/doctor.hpp"
#include "tools/satsuma/eval.hpp"
#include "tools/satsuma/export.hpp"
#include "tools/satsuma/failure.hpp"
#include "tools/satsuma/info.hpp"
#include "tools/satsuma/man.hpp"
#include "tools/satsuma/methods.hpp"
#include "tools/satsuma/models.hpp"
#include "tools/satsuma/optimizers.hpp"
#include "tools/satsuma/plugin.hpp"
#include "tools/satsuma/predict.hpp"
#include "tools/satsuma/process.hpp"
#include "tools/satsuma/profile.hpp"
#include "tools/satsuma/recipes.hpp"
#include "tools/satsuma/report.hpp"
#include "tools/satsuma/sat.hpp"
#include "tools/satsuma/simulate.hpp"
#include "tools/satsuma/train.hpp"

namespace satsuma::tools {

namespace {

int report(const Failure& failure) {
  std::fflush(stdout);
  say("error: {}", failure.message);
  return failure.code;
}

/// Gives the devices of plug-ins back when all else is done.
struct PluginsAtEnd {
  PluginsAtEnd() = default;
  ~PluginsAtEnd() { close_plugins(); }
  PluginsAtEnd(const PluginsAtEnd&) = delete;
  PluginsAtEnd& operator=(const PluginsAtEnd&) = delete;
};

int run_satsuma(int argc, char** argv) try {
  const PluginsAtEnd plugins_at_end;
  CLI::App app("Trains deep networks with N:M sparsity on the CPU.", "satsuma");
  std::function<int()> run;
  set_up(app);
  add_train(app, run);
  add_eval(app, run);
  add_predict(app, run);
  add_report(app, run);
  add_export(app, run);
  add_compare(app, run);
  add_info(app, run);
  add_models(app, run);
  add_datasets(app, run);
  add_recipes(app, run);
  add_data(app, run);
  add_devices(app, run);
  add_methods(app, run);
  add_optimizers(app, run);
  add_simulate(app, run);
  add_plugin(app, run);
  add_sat(app, run);
  add_bench(app, run);
  add_profile(app, run);
  add_doctor(app, run);
  add_completion(app, run);
  add_man(app, run);
  const int code = parse(app, argc, argv) ? run() : 0;
  const int error = std::fflush(stdout) != 0 ? errno : 0;
  return std::ferror(stdout) != 0 ? report(failure_of_standard_output(error)) : code;
} catch (...) {
  return report(failure_of(std::current_exception()));
}

}  // namespace

}  // namespace satsuma::tools

int main(int argc, char** argv) {
  satsuma::tools::prepare_process();
  return satsuma::tools::run_satsuma(argc, argv);
}
