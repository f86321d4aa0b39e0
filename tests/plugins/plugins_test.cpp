#include "satsuma/device/plugins.hpp"

#include <doctest/doctest.h>
#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "support/conformance.hpp"

namespace satsuma {

namespace {

namespace fs = std::filesystem;

/// A plug-in that Meson has built beside this test.
fs::path built(const std::string& name) {
  return fs::canonical("/proc/self/exe").parent_path() / "plugins" / ("libplugin_" + name + ".so");
}

/// A folder that goes with the test.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("satsuma-plugins-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

std::string read(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Where the last segment of a shared object ends.
std::size_t mapped_bytes(const std::string& object) {
  Elf64_Ehdr header;
  std::memcpy(&header, object.data(), sizeof header);
  std::size_t end = 0;
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, object.data() + header.e_phoff + static_cast<std::size_t>(i) * sizeof segment,
                sizeof segment);
    end = std::max<std::size_t>(end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

/// The one line with which `file` is refused.
std::string refusal(const fs::path& file) {
  try {
    load_plugin(file);
  } catch (const UsageError& error) {
    return error.what();
  }
  FAIL("loaded ", file.string());
  return "";
}

}  // namespace

TEST_CASE("a plug-in with a fault is refused with one line, and the program lives") {
  constexpr struct {
    const char* plugin;
    const char* words;
  } kCases[] = {
      {"other_version", "has interface version 7, expected 2"},
      {"newer_table", "was built for a newer Satsuma (satsuma_plugin has"},
      {"no_sizes", "fill in SATSUMA_PLUGIN_SIZES"},
      {"no_table", "its entry returned no table"},
      {"bad_name", "has no name of a-z"},
      {"no_pass", "has no pass"},
      {"half_a_pair", "one of prepare and release only"},
      {"built_in_name", "a device 'reference' is built in already"},
      {"constructor_throws", "ends the program while it is loaded"},
      {"entry_throws", "an exception left it while it was loaded: the entry failed"},
      {"no_entry", "does not export satsuma_plugin_entry"},
  };
  for (const auto& [plugin, words] : kCases) {
    const std::string line = refusal(built(plugin));
    CAPTURE(line);
    CHECK(line.find(words) != std::string::npos);
    CHECK(line.find(built(plugin).string()) != std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(refusal(built(plugin)) == line);  // once more
  }
  CHECK(find_device("reference")->name() == "reference");
}

TEST_CASE("a file that is no shared object for this machine is refused with one line") {
  const Folder folder;
  const std::string sound = read(built("full"));
  REQUIRE(sound.size() > 1000);
  const auto write = [&](const char* name, const std::string& content) {
    std::ofstream(folder.path / name, std::ios::binary) << content;
    return folder.path / name;
  };
  const auto changed = [&](std::size_t at, int value) {
    std::string content = sound;
    content[at] = static_cast<char>(value);
    return content;
  };
  CHECK(refusal(folder.path / "nowhere.so").find("no such file") != std::string::npos);
  CHECK(refusal(folder.path).find("is no file") != std::string::npos);
  CHECK(refusal(write("empty.so", "")).find("too short") != std::string::npos);
  CHECK(refusal(write("text.so", std::string(500, 'x'))).find("no ELF file") != std::string::npos);
  CHECK(refusal(write("class.so", changed(EI_CLASS, ELFCLASS32))).find("is 32-bit") != std::string::npos);
  CHECK(refusal(write("order.so", changed(EI_DATA, ELFDATA2MSB))).find("byte order") != std::string::npos);
  const std::string other = refusal(write("machine.so", changed(offsetof(Elf64_Ehdr, e_machine), EM_RISCV)));
  CHECK(other.find("is for RISC-V") != std::string::npos);
  CHECK(refusal(write("object.so", changed(offsetof(Elf64_Ehdr, e_type), ET_REL))).find("-shared") !=
        std::string::npos);
  CHECK(refusal("/proc/self/exe").find("plug-in ") == 0);
  // Cut short anywhere before the end of what is mapped: no signal, one line.
  for (std::size_t size = 0; size < mapped_bytes(sound); size += sound.size() / 64) {
    CAPTURE(size);
    const std::string line =
        refusal(write(("cut" + std::to_string(size) + ".so").c_str(), sound.substr(0, size)));
    CHECK(line.find('\n') == std::string::npos);
  }
}

TEST_CASE("a device that cannot be set up is refused when it is asked for") {
  load_plugin(built("create_fails"));
  CHECK_THROWS_WITH_AS(find_device("bad"), doctest::Contains("create failed: no accelerator in slot 3"),
                       UsageError);
  CHECK_THROWS_AS(find_device("bad"), UsageError);
  // The same name again, and the same file.
  CHECK(refusal(built("create_throws")).find("a device 'bad' was loaded from") != std::string::npos);
  CHECK_NOTHROW(load_plugin(built("create_fails")));
  close_plugins();
}

TEST_CASE("what a device does wrong later is an error of the call, which names it") {
  for (const char* const name : {"matmul_fails", "wild_index", "unaligned"}) load_plugin(built(name));
  const Tensor x = Tensor::full({2, 8, 4, 4}, 1, DType::f32, MemoryFormat::batch_blocked);
  const Tensor w = Tensor::full({8, 8, 1, 1}, 1, DType::f32, MemoryFormat::channels_last);
  Tensor y = Tensor::zeros({2, 8, 4, 4}, DType::f32, MemoryFormat::batch_blocked);
  const Geometry layer{.in_channels = 8, .out_channels = 8};
  CHECK_THROWS_WITH_AS(find_device("fails")->forward(layer, x, {.dense = &w}, {}, y),
                       doctest::Contains("matmul failed: the accelerator does not answer"), DeviceError);
  CHECK_THROWS_WITH_AS(find_device("wild")->compress(w, GroupAxis::input_channels, {2, 8}),
                       doctest::Contains("'wild': it packed an index of 200 into a group of 8"), DeviceError);
  CHECK_THROWS_WITH_AS(find_device("unaligned")->allocate(10), doctest::Contains("not aligned to 64"),
                       DeviceError);
  close_plugins();
}

TEST_CASE("the sample passes conformance") {
  load_plugin(built("sample"));
  CHECK(find_device("sample")->description().find("sample of a plug-in") == 0);
  testing::expect_conformance(find_device("sample"), {}, 500);
}

TEST_CASE("a plug-in with every function passes conformance, and counts") {
  load_plugin(built("full"));
  {
    const auto device = find_device("full");
    CHECK(device->activation_format() == MemoryFormat::row_major);
    testing::expect_conformance(find_device("full"), {}, 500);
    device->reset_counters();
    const Tensor x = Tensor::full({2, 3, 4, 4}, 1), w = Tensor::full({5, 3, 1, 1}, 1);
    Tensor y = Tensor::empty({2, 5, 4, 4});
    device->forward(Geometry{.in_channels = 3, .out_channels = 5}, x, {.dense = &w}, {}, y);
    CHECK(device->counters().cycles == 2 * 3 * 4 * 4 * 5);
    CHECK(device->counters()[Pass::ff].macs == 2 * 3 * 4 * 4 * 5);
    CHECK(y.to_vector<float>() == std::vector<float>(160, 3.0F));
  }
  // Its destructor aborts unless all of its memory and forms have come back.
  close_plugins();
  CHECK_THROWS_AS(find_device("full"), UsageError);
}

TEST_CASE("a path names absolute files and folders") {
  const Folder folder;
  fs::create_directory(folder.path / "all");
  fs::copy_file(built("full"), folder.path / "all" / "b.so");
  fs::copy_file(built("no_entry"), folder.path / "all" / "a.so");
  std::ofstream(folder.path / "all" / "notes.txt") << "no plug-in";
  const std::size_t before = plugins().size();
  load_plugin_path("::relative/folder:" + (folder.path / "all").string() + ":" +
                   (folder.path / "none.so").string() + ":");
  std::vector<Plugin> seen = plugins();
  seen.erase(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(before));
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].problem.find("is relative, and not followed") != std::string::npos);
  CHECK(seen[1].problem.find("does not export") != std::string::npos);
  CHECK(seen[2].problem.find("a device 'full' was loaded") != std::string::npos);
  CHECK(seen[3].problem.find("no such file") != std::string::npos);
}

}  // namespace satsuma
