#include "src/devices/sat/opencl/bitstream.hpp"

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <system_error>

#include "satsuma/core/error.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/fnv.hpp"
#include "src/core/whole_file.hpp"
#include "src/devices/sat/opencl/interface.hpp"

namespace satsuma::sat::driver {

namespace {

constexpr std::string_view kMagic("SATBITS\0", 8);
constexpr std::size_t kChecksumEnd = kMagic.size() + sizeof(std::uint64_t);

template <typename T>
void put_number(std::string& to, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to += static_cast<char>(number >> (8 * i));
}

void put_run(std::string& to, std::string_view bytes) {
  put_number(to, std::uint64_t{bytes.size()});
  to += bytes;
}

/// Takes numbers and runs of bytes from the front of a file.
class Reader {
 public:
  Reader(std::string_view bytes, std::string file) : rest_(bytes), file_(std::move(file)) {}

  template <typename T>
  T number() {
    T value = 0;
    const std::string_view bytes = take(sizeof(T));
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
    return value;
  }
  std::string_view run() { return take(number<std::uint64_t>()); }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      throw FormatError(fmt::format("{} was cut off; build it again with satsuma sat build", file_));
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
  std::string file_;
};

std::string read_file(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& why) {
    throw cannot_read(path, why + "; satsuma sat build makes such a file");
  };
  std::error_code failure;
  std::string bytes = read_whole_file(path, failure);
  if (failure == std::errc::is_a_directory) refuse("it is a folder");
  if (failure) refuse(failure.message());
  return bytes;
}

}  // namespace

std::vector<std::byte> to_bytes(const Bitstream& bitstream) {
  std::string body;
  put_number(body, bitstream.interface_version);
  put_number(body, bitstream.largest_group);
  put_run(body, bitstream.platform);
  put_run(body, bitstream.device);
  put_run(body, to_toml(bitstream.config));
  put_run(body,
          std::string_view(reinterpret_cast<const char*>(bitstream.binary.data()), bitstream.binary.size()));
  std::string file(kMagic);
  put_number(file, fnv1a(body));
  file += body;
  const auto bytes = std::as_bytes(std::span(file));
  return {bytes.begin(), bytes.end()};
}

Bitstream read_bitstream(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  const std::string name = path.string();
  if (!std::string_view(bytes).starts_with(kMagic)) {
    throw FormatError(fmt::format(
        "{} is no binary of SAT; satsuma sat build makes one, and wraps the binary of a card's own tools",
        name));
  }
  Reader reader(std::string_view(bytes).substr(kMagic.size()), name);
  const auto expected = reader.number<std::uint64_t>();
  Bitstream bitstream;
  bitstream.interface_version = reader.number<std::uint32_t>();
  if (bitstream.interface_version != kernel::kInterfaceVersion) {
    throw FormatError(fmt::format(
        "{} has kernels of interface {}, this satsuma speaks {}; build it again with satsuma sat build", name,
        bitstream.interface_version, kernel::kInterfaceVersion));
  }
  bitstream.largest_group = reader.number<std::uint32_t>();
  bitstream.platform = reader.run();
  bitstream.device = reader.run();
  const std::string_view config = reader.run();
  const std::string_view binary = reader.run();
  if (!reader.at_end() || fnv1a(std::string_view(bytes).substr(kChecksumEnd)) != expected) {
    throw FormatError(
        fmt::format("{} is damaged: its checksum does not fit; build it again with satsuma sat build", name));
  }
  bitstream.config = parse_config(config, name);
  const auto data = std::as_bytes(std::span(binary));
  bitstream.binary.assign(data.begin(), data.end());
  return bitstream;
}

}  // namespace satsuma::sat::driver
