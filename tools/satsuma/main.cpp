#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <functional>
#include <new>
#include <string_view>
#include <system_error>

#include "satsuma/core/error.hpp"
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

constexpr int kFailed = 1;
constexpr int kWrongUse = 2;

int report(std::string_view message, int code) {
  std::fflush(stdout);
  say("error: {}", message);
  return code;
}

/// A full disk behind a redirection shows in the middle of the work or after it. `error` is 0 where it is not
/// known why.
int report_standard_output(int error) {
  return report(fmt::format("standard output could not be written{}{}", error != 0 ? ": " : "",
                            error != 0 ? std::generic_category().message(error) : ""),
                kFailed);
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
  return std::ferror(stdout) != 0 ? report_standard_output(error) : code;
} catch (const UsageError& error) {
  return report(error.what(), kWrongUse);
} catch (const std::system_error& error) {
  // fmt's, which does not say of which file it speaks.
  if (std::ferror(stdout) != 0) return report_standard_output(error.code().value());
  return report(error.what(), kFailed);
} catch (const std::bad_alloc&) {
  return report("out of memory; try a smaller --batch-size or model", kFailed);
} catch (const std::exception& error) {
  return report(error.what(), kFailed);
}

}  // namespace

}  // namespace satsuma::tools

int main(int argc, char** argv) {
  satsuma::tools::prepare_process();
  return satsuma::tools::run_satsuma(argc, argv);
}
