#include "devices/opencl/bitstream_file.hpp"

#include <unistd.h>

#include <fstream>
#include <iterator>

#include "src/devices/sat/opencl/opencl.hpp"

namespace satsuma::testing {

namespace {

struct Scratch {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("satsuma-opencl-" + std::to_string(::getpid()));
  Scratch() { std::filesystem::create_directories(folder); }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
};

}  // namespace

const std::filesystem::path& scratch_folder() {
  static const Scratch scratch;
  return scratch.folder;
}

const std::filesystem::path& small_sat() {
  static const std::filesystem::path path = [] {
    sat::driver::BitstreamSettings settings;
    settings.config.rows = 4;
    settings.config.columns = 8;
    const auto file = build_bitstream(settings).file;
    return write_file("small.bin", {reinterpret_cast<const char*>(file.data()), file.size()});
  }();
  return path;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::filesystem::path write_file(const std::string& name, const std::string& content) {
  const std::filesystem::path path = scratch_folder() / name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

}  // namespace satsuma::testing
