#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <new>

#include "satsuma/core/error.hpp"
#include "satsuma/device/plugins.hpp"
#include "tools/satsuma/bench.hpp"
#include "tools/satsuma/command_line.hpp"
#include "tools/satsuma/datasets.hpp"
#include "tools/satsuma/devices.hpp"
#include "tools/satsuma/eval.hpp"
#include "tools/satsuma/info.hpp"
#include "tools/satsuma/methods.hpp"
#include "tools/satsuma/models.hpp"
#include "tools/satsuma/optimizers.hpp"
#include "tools/satsuma/plugin.hpp"
#include "tools/satsuma/sat.hpp"
#include "tools/satsuma/simulate.hpp"
#include "tools/satsuma/train.hpp"

namespace satsuma::tools {

namespace {

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

int report(const char* message, int code) {
  std::fflush(stdout);
  fmt::print(stderr, "satsuma: error: {}\n", message);
  return code;
}

/// Gives the devices of plug-ins back when all else is done.
struct PluginsAtEnd {
  PluginsAtEnd() = default;
  ~PluginsAtEnd() { close_plugins(); }
  PluginsAtEnd(const PluginsAtEnd&) = delete;
  PluginsAtEnd& operator=(const PluginsAtEnd&) = delete;
};

int run_satsuma(int argc, char** argv) {
  const PluginsAtEnd plugins_at_end;
  CLI::App app("Trains deep networks with N:M sparsity on the CPU.", "satsuma");
  std::function<int()> run;
  set_up(app);
  add_train(app, run);
  add_eval(app, run);
  add_info(app, run);
  add_models(app, run);
  add_datasets(app, run);
  add_devices(app, run);
  add_methods(app, run);
  add_optimizers(app, run);
  add_simulate(app, run);
  add_plugin(app, run);
  add_sat(app, run);
  add_bench(app, run);
  try {
    if (!parse(app, argc, argv)) return 0;
    const int code = run();
    // A full disk behind a redirection shows only here.
    if (std::fflush(stdout) != 0) return report("standard output could not be written", kFailed);
    return code;
  } catch (const UsageError& error) {
    return report(error.what(), kWrongUse);
  } catch (const std::bad_alloc&) {
    return report("out of memory; try a smaller --batch-size or model", kFailed);
  } catch (const std::exception& error) {
    return report(error.what(), kFailed);
  }
}

}  // namespace

}  // namespace satsuma::tools

int main(int argc, char** argv) {
  return satsuma::tools::run_satsuma(argc, argv);
}
