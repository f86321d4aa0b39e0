// Files of SAT's kernels that are not what they should be, and devices that are not there: one line each.

#include "src/devices/sat/opencl/bitstream.hpp"

#include <doctest/doctest.h>

#include "devices/opencl/bitstream_file.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "src/devices/sat/opencl/opencl.hpp"
#include "src/opencl/session.hpp"

namespace satsuma::sat::driver {

namespace {

/// The message with which connecting to a file fails.
std::string refusal(const std::filesystem::path& file, const std::string& platform = "", int index = 0) {
  try {
    connect_opencl({file, platform, index});
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::filesystem::path write(const std::string& name, const Bitstream& bitstream) {
  const auto bytes = to_bytes(bitstream);
  return testing::write_file(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

TEST_CASE("a file gives back what was written") {
  Bitstream bitstream{};
  bitstream.interface_version = 2;
  bitstream.largest_group = 16;
  bitstream.platform = "some platform";
  bitstream.device = "some device";
  bitstream.binary = {std::byte{1}, std::byte{0}, std::byte{255}};
  bitstream.config.rows = 12;
  bitstream.config.card = "another";
  const Bitstream read = read_bitstream(write("round.bin", bitstream));
  CHECK(read.largest_group == 16);
  CHECK(read.platform == "some platform");
  CHECK(read.device == "some device");
  CHECK(read.config == bitstream.config);
  CHECK(read.binary == bitstream.binary);
}

TEST_CASE("files that are cut off, changed, foreign, or missing") {
  const std::string good = testing::read_file(testing::small_sat());
  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, std::size_t{8}, std::size_t{17},
                                   std::size_t{40}, good.size() / 2, good.size() - 1}) {
    CAPTURE(length);
    const std::string message = refusal(testing::write_file("cut.bin", good.substr(0, length)));
    CHECK((contains(message, "was cut off") || contains(message, "is no binary of SAT")));
  }
  for (const std::size_t at :
       {std::size_t{10}, std::size_t{21}, std::size_t{40}, good.size() / 2, good.size() - 1}) {
    CAPTURE(at);
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK(refusal(testing::write_file("changed.bin", changed)) != "");
  }
  CHECK(contains(refusal(testing::write_file("longer.bin", good + "x")), "checksum"));
  CHECK(contains(refusal(testing::write_file("foreign.bin",
                                             "\x7f"
                                             "ELF and more")),
                 "is no binary of SAT"));
  CHECK(contains(refusal("/nowhere/sat.bin"), "cannot read /nowhere/sat.bin: No such file or directory"));
  CHECK(contains(refusal(testing::scratch_folder()), "cannot read"));
}

TEST_CASE("files whose kernels are for something else") {
  const Bitstream good = read_bitstream(testing::small_sat());
  Bitstream other = good;
  other.interface_version = 7;
  CHECK(contains(refusal(write("version.bin", other)), "interface 7, this satsuma speaks 2"));
  other = good;
  other.config.rows = 5;
  const std::string array = refusal(write("array.bin", other));
  CHECK(contains(array, "4 x 8 USPEs"));
  CHECK(contains(array, "file says 2, 5 x 8"));
  CHECK(contains(array, "platform '" + good.platform + "', device '" + good.device + "'"));
  other = good;
  other.device = "another card";
  CHECK(contains(refusal(write("device.bin", other)), "device 'another card': not for platform"));
  other = good;
  other.platform = "Another Platform";
  CHECK(contains(refusal(write("platform.bin", other)), "there is no OpenCL platform 'Another Platform'"));
  other = good;
  // Cut off where no checksum tells, PoCL ends the program.
  other.binary.assign(64, std::byte{0});
  CHECK(contains(refusal(write("binary.bin", other)), "platform '" + good.platform));
}

TEST_CASE("platforms and devices that are not there") {
  const std::string platform = read_bitstream(testing::small_sat()).platform;
  CHECK(contains(refusal(testing::small_sat(), "nobody's"), "no OpenCL platform 'nobody's'; there is '"));
  CHECK(contains(refusal(testing::small_sat(), platform, 99), "no device of index 99"));
}

TEST_CASE("kernels that do not build are named by their first error") {
  const opencl::Session session(opencl::choose_device({}));
  std::string message;
  try {
    session.build("__kernel void f(__global int* x) { *x = unknown_name; }\n__kernel g(", "");
  } catch (const DeviceError& error) {
    message = error.what();
  }
  CHECK(contains(message, session.who()));
  CHECK(contains(message, "do not build"));
  CHECK(contains(message, "error"));
  CHECK_FALSE(contains(message, "\n"));
}

TEST_CASE("an array that the device cannot hold is refused before it is built") {
  BitstreamSettings settings;
  settings.config.rows = 1024;
  settings.config.columns = 1024;
  CHECK_THROWS_WITH_AS(build_bitstream(settings), doctest::Contains("try --set array.rows="), UsageError);
}

TEST_CASE("groups that a build leaves out are refused with a reason") {
  BitstreamSettings settings;
  settings.largest_group = 8;
  settings.config.rows = settings.config.columns = 2;
  const auto file = build_bitstream(settings).file;
  const auto path =
      testing::write_file("groups.bin", {reinterpret_cast<const char*>(file.data()), file.size()});
  const auto device = find_device("sat:opencl,bitstream=" + path.string());
  LayerPlan plan({.in_channels = 16, .out_channels = 16}, DType::f16);
  plan[Pass::ff].weight = OperandPlan::packed(GroupAxis::input_channels, {2, 8});
  CHECK(device->supports(plan, Pass::ff).yes);
  plan[Pass::ff].weight.pattern = {2, 16};
  CHECK(device->supports(plan, Pass::ff).reason == "takes groups of at most 8 weights, not 2:16");
}

TEST_CASE("what follows --device sat: is checked") {
  const auto fails = [](const std::string& name, const char* words) {
    CAPTURE(name);
    CHECK_THROWS_WITH_AS(find_device(name), doctest::Contains(words), UsageError);
  };
  fails("sat:opencl", "needs bitstream=FILE");
  fails("sat:cuda", "expected sat (the emulator), sat:config=FILE");
  fails("sat:opencl,bitsteam=x", "did you mean 'bitstream'?");
  fails("sat:opencl,bitstream=", "expected bitstream=VALUE");
  fails("sat:opencl,bitstream=x,index=-1", "expected a whole number from 0");
  fails("sat:opencl,bitstream=x,fallback=cpu", "expected emulator");
  fails("sat:opencl,index=1,index=2", "got index twice");
  fails("cpu:fast", "has no settings");
  CHECK(find_device("sat:opencl,bitstream=/nowhere/sat.bin,fallback=emulator")
            ->description()
            .find("emulated") != std::string::npos);
}

}  // namespace satsuma::sat::driver
