#include "tools/satsuma/bench.hpp"

#include "tools/satsuma/bench_check.hpp"
#include "tools/satsuma/bench_forward.hpp"
#include "tools/satsuma/bench_kernels.hpp"
#include "tools/satsuma/bench_loader.hpp"
#include "tools/satsuma/bench_pipeline.hpp"
#include "tools/satsuma/bench_scale.hpp"
#include "tools/satsuma/bench_step.hpp"

namespace satsuma::tools {

void add_bench(const Command& program) {
  const Command command = program.add_command(
      "bench", "Measure training steps, single layers, ranks or what delivers the data, compare results");
  command.require_command();
  command.footer("Example: satsuma bench step --model resnet18 --batch-size 64 --methods dense,bdwp");
  add_bench_step(command);
  add_bench_forward(command);
  add_bench_kernels(command);
  add_bench_loader(command);
  add_bench_pipeline(command);
  add_bench_scale(command);
  add_bench_check(command);
}

}  // namespace satsuma::tools
