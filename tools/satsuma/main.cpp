#include <cerrno>
#include <cstdio>
#include <exception>

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
  CommandLine command_line("satsuma", "Trains deep networks with N:M sparsity on the CPU.");
  const Command program = command_line.program();
  add_train(program);
  add_eval(program);
  add_predict(program);
  add_report(program);
  add_export(program);
  add_compare(program);
  add_info(program);
  add_models(program);
  add_datasets(program);
  add_recipes(program);
  add_data(program);
  add_devices(program);
  add_methods(program);
  add_optimizers(program);
  add_simulate(program);
  add_plugin(program);
  add_sat(program);
  add_bench(program);
  add_profile(program);
  add_doctor(program);
  add_completion(program);
  add_man(program);
  const int code = command_line.run(argc, argv);
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
