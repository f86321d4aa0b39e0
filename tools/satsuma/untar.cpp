#include "tools/satsuma/untar.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/utf8.hpp"
#include "src/data/input_file.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = 512;
using Block = std::array<std::uint8_t, kBlock>;

class Archive {
 public:
  explicit Archive(const fs::path& path) : file_(path) {}

  /// The next header; false at the end.
  bool next(Block& header) {
    if (file_.read(header) < kBlock) refuse("the archive ends without its end");
    at_ += kBlock;
    if (std::all_of(header.begin(), header.end(), [](auto byte) { return byte == 0; })) return false;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) sum += i >= 148 && i < 156 ? ' ' : header[i];
    if (number(header, 148, 8) != sum) refuse("no header of a file where one was expected");
    return true;
  }

  static std::string_view text(const Block& header, std::size_t at, std::size_t size) {
    const std::string_view field(reinterpret_cast<const char*>(header.data()) + at, size);
    return field.substr(0, field.find('\0'));
  }

  /// Octal digits.
  std::uint64_t number(const Block& header, std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (const char c : text(header, at, size)) {
      if (c == ' ') continue;
      if (c < '0' || c > '7') refuse("a number that is not octal");
      value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
  }

  /// Copies a file's content, which is filled up to whole blocks.
  template <typename Sink>
  void content(std::uint64_t size, const Sink& sink) {
    Block block;
    while (size > 0) {
      if (file_.read(block) < kBlock) refuse("the archive ends within a file");
      at_ += kBlock;
      const auto part = std::min<std::uint64_t>(size, kBlock);
      sink(std::span(block).first(part));
      size -= part;
    }
  }

  [[noreturn]] void refuse(std::string_view what) const {
    throw FormatError(
        fmt::format("{}: offset {} of the unpacked data: {}", shown_path(file_.path().string()), at_, what));
  }

 private:
  data::InputFile file_;
  std::uint64_t at_ = 0;
};

/// The name, where it stays below the directory.
fs::path safe_name(const Archive& archive, const Block& header) {
  std::string name(Archive::text(header, 0, 100));
  if (Archive::text(header, 257, 5) == "ustar") {
    if (const auto prefix = Archive::text(header, 345, 155); !prefix.empty() && header[263] == '0') {
      name = std::string(prefix) + "/" + name;
    }
  }
  const fs::path path = name;
  const bool leads_out = std::find(path.begin(), path.end(), "..") != path.end();
  if (name.empty() || path.is_absolute() || leads_out) {
    archive.refuse(fmt::format("the name '{}' leads out of the archive's own directory", shown(name)));
  }
  return path;
}

}  // namespace

std::vector<fs::path> untar(const fs::path& archive_path, const fs::path& to) {
  Archive archive(archive_path);
  std::vector<fs::path> written;
  Block header;
  while (archive.next(header)) {
    const std::uint64_t size = archive.number(header, 124, 12);
    if (header[156] != '0' && header[156] != 0) {
      // Directories and links have no content; of what else there is, the content is passed over.
      archive.content(header[156] >= '1' && header[156] <= '6' ? 0 : size, [](auto) {});
      continue;
    }
    const fs::path path = to / safe_name(archive, header);
    std::error_code failure;
    fs::create_directories(path.parent_path(), failure);
    if (failure) throw IoError(train::io_message("create the directory of", path, failure.value()));
    train::AtomicFile file(path);
    archive.content(size, [&](std::span<const std::uint8_t> part) { file.write(std::as_bytes(part)); });
    file.commit();
    written.push_back(path);
  }
  return written;
}

}  // namespace satsuma::tools
