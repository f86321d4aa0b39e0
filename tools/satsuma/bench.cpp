#include "tools/satsuma/bench.hpp"

#include <CLI/CLI.hpp>

#include "tools/satsuma/bench_check.hpp"
#include "tools/satsuma/bench_forward.hpp"
#include "tools/satsuma/bench_kernels.hpp"
#include "tools/satsuma/bench_loader.hpp"
#include "tools/satsuma/bench_pipeline.hpp"
#include "tools/satsuma/bench_scale.hpp"
#include "tools/satsuma/bench_step.hpp"

namespace satsuma::tools {

CLI::App* add_bench(CLI::App& app, std::function<int()>& run) {
  CLI::App* const command = app.add_subcommand(
      "bench", "Measure training steps, single layers, ranks or what delivers the data, compare results");
  command->require_subcommand(1);
  command->footer("Example: satsuma bench step --model resnet18 --batch-size 64 --methods dense,bdwp");
  add_bench_step(*command, run);
  add_bench_forward(*command, run);
  add_bench_kernels(*command, run);
  add_bench_loader(*command, run);
  add_bench_pipeline(*command, run);
  add_bench_scale(*command, run);
  add_bench_check(*command, run);
  return command;
}

}  // namespace satsuma::tools
