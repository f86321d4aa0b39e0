#include "tools/satsuma/sat_build.hpp"

#include <fmt/core.h>

#include <memory>
#include <string>

#include "satsuma/train/atomic_file.hpp"
#include "src/devices/sat/opencl/opencl.hpp"
#include "tools/satsuma/proposal.hpp"
#include "tools/satsuma/sat_config_flags.hpp"
#include "tools/satsuma/short_text.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  sat::driver::BitstreamSettings build;
  SatConfigFlags config;
  std::string binary;
  std::string out;
  bool source = false;
};

int build(Settings settings) {
  sat::driver::BitstreamSettings& wanted = settings.build;
  wanted.config = settings.config.read();
  wanted.binary = settings.binary;
  if (settings.source) {
    train::write_atomically(settings.out, sat::driver::kernel_source(wanted.config, wanted.largest_group));
    fmt::print("{}: OpenCL C 1.2\n", settings.out);
    return 0;
  }
  const sat::driver::BuiltBitstream built = build_bitstream(wanted);
  train::AtomicFile file(settings.out);
  file.write(built.file);
  file.commit();
  fmt::print("{}: {}, {} x {} USPEs, for {}\n", settings.out, short_bytes(built.file.size()),
             wanted.config.rows, wanted.config.columns, built.who);
  fmt::print("try next\n  satsuma devices test sat:opencl,bitstream={}\n", shell_quoted(settings.out));
  return 0;
}

}  // namespace

void add_sat_build(const Command& sat) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      sat.add_command("build", "Compile SAT's kernels for an OpenCL device, for --device sat:opencl");
  command.add_option("-o,--out", settings->out, "file to write").type_name("FILE").required();
  command.add_option("--platform", settings->build.platform, "part of an OpenCL platform's name [any]");
  command.add_option("--index", settings->build.index, "of the device among those of the platform")
      .show_default();
  settings->config.add_to(command);
  command
      .add_option("--largest-group", settings->build.largest_group, "M of the patterns that it takes, to 64")
      .show_default();
  const Option binary =
      command.add_option("--binary", settings->binary, "wrap what a card's own tools built of the source")
          .type_name("FILE");
  command.add_flag("--source", settings->source, "write the kernels' source for such tools").excludes(binary);
  command.footer(
      "docs/opencl.md explains it.\n"
      "Example: satsuma sat build -o sat.bin");
  command.run([settings] { return build(*settings); });
}

}  // namespace satsuma::tools
