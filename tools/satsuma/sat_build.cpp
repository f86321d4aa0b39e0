#include "tools/satsuma/sat_build.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <string>

#include "satsuma/train/atomic_file.hpp"
#include "src/devices/sat/opencl/opencl.hpp"
#include "tools/satsuma/output.hpp"
#include "tools/satsuma/proposal.hpp"
#include "tools/satsuma/sat_config_flags.hpp"

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

CLI::App* add_sat_build(CLI::App& sat, std::function<int()>& run) {
  const auto settings = std::make_shared<Settings>();
  CLI::App* const command =
      sat.add_subcommand("build", "Compile SAT's kernels for an OpenCL device, for --device sat:opencl");
  command->add_option("-o,--out", settings->out, "file to write")->type_name("FILE")->required();
  command->add_option("--platform", settings->build.platform, "part of an OpenCL platform's name [any]");
  command->add_option("--index", settings->build.index, "of the device among those of the platform")
      ->capture_default_str();
  settings->config.add_to(*command);
  command
      ->add_option("--largest-group", settings->build.largest_group, "M of the patterns that it takes, to 64")
      ->capture_default_str();
  CLI::Option* const binary =
      command->add_option("--binary", settings->binary, "wrap what a card's own tools built of the source")
          ->type_name("FILE");
  command->add_flag("--source", settings->source, "write the kernels' source for such tools")
      ->excludes(binary);
  command->footer(
      "docs/opencl.md explains it.\n"
      "Example: satsuma sat build -o sat.bin");
  command->callback([settings, &run] { run = [settings] { return build(*settings); }; });
  return command;
}

}  // namespace satsuma::tools
