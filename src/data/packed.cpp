#include "satsuma/data/packed.hpp"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/data/decode.hpp"
#include "src/core/per_thread.hpp"
#include "src/core/regular_file.hpp"
#include "src/core/utf8.hpp"
#include "src/data/decode/decoder.hpp"
#include "src/data/packed_format.hpp"

namespace satsuma::data {

namespace packed {

namespace {

std::uint32_t sum_of(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
}

std::uint64_t number_at(const std::uint8_t* at, int bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= std::uint64_t{at[i]} << (8 * i);
  return value;
}

[[noreturn]] void refuse(const RegularFile& file, std::uint64_t offset, std::string_view what) {
  throw FormatError(fmt::format("{}: offset {}: {}", shown_path(file.path().string()), offset, what));
}

/// Reads the index forward. Nothing is allocated but what the bytes that are there bear out.
class IndexReader {
 public:
  IndexReader(const RegularFile& file, std::uint64_t begin, std::span<const std::uint8_t> bytes)
      : file_(file), begin_(begin), bytes_(bytes) {}

  Index read(Kind kind) {
    Index index;
    index.kind = kind;
    const std::uint64_t classes = number(4);
    if (classes < 1 || classes > (bytes_.size() - at_) / 4) {
      refuse(fmt::format("{} classes, more than the index holds", classes));
    }
    for (std::uint64_t i = 0; i < classes; ++i) index.class_names.push_back(name());
    std::uint64_t counts[3];
    std::uint64_t left = (bytes_.size() - std::min<std::size_t>(at_ + 24, bytes_.size())) / kEntryBytes;
    for (std::uint64_t& count : counts) {
      count = number(8);
      if (count > left) refuse(fmt::format("{} pictures, more than the index holds", count));
      left -= count;
    }
    for (std::size_t part = 0; part < 3; ++part) {
      index.parts[part].reserve(counts[part]);
      for (std::uint64_t i = 0; i < counts[part]; ++i) index.parts[part].push_back(entry(kind, classes));
    }
    if (at_ != bytes_.size()) refuse("more bytes than pictures, expected the end of the index");
    if (index.parts[0].empty()) refuse("no pictures for training");
    return index;
  }

 private:
  std::span<const std::uint8_t> take(std::uint64_t count) {
    if (count > bytes_.size() - at_) refuse("the index ends within an entry");
    const auto result = bytes_.subspan(at_, count);
    at_ += count;
    return result;
  }
  std::uint64_t number(int size) { return number_at(take(static_cast<std::uint64_t>(size)).data(), size); }
  std::string name() {
    const auto bytes = take(number(4));
    return {bytes.begin(), bytes.end()};
  }

  Entry entry(Kind kind, std::uint64_t classes) {
    Entry entry;
    entry.offset = number(8);
    entry.bytes = number(8);
    entry.sum = static_cast<std::uint32_t>(number(4));
    entry.label = static_cast<std::uint32_t>(number(4));
    entry.height = static_cast<std::uint32_t>(number(4));
    entry.width = static_cast<std::uint32_t>(number(4));
    entry.name = name();
    // The pictures lie between the magic and the index.
    if (entry.offset < kMagic.size() || entry.offset > begin_ || entry.bytes > begin_ - entry.offset) {
      refuse(fmt::format("a picture at offset {} of {} bytes, which is outside of the pictures", entry.offset,
                         entry.bytes));
    }
    if (entry.label >= classes) refuse(fmt::format("label {}, expected 0 to {}", entry.label, classes - 1));
    // Divided, not multiplied: 32 bits times 32 bits times 3 do not fit into 64.
    const bool sized = kind == Kind::files ? entry.height == 0 && entry.width == 0
                                           : entry.height > 0 && entry.width > 0 && entry.bytes % 3 == 0 &&
                                                 std::uint64_t{entry.height} * entry.width == entry.bytes / 3;
    if (!sized) {
      refuse(fmt::format("{} bytes of a picture of {}x{} pixels", entry.bytes, entry.width, entry.height));
    }
    return entry;
  }

  [[noreturn]] void refuse(std::string_view what) const {
    packed::refuse(file_, begin_ + at_, fmt::format("damaged index: {}", what));
  }

  const RegularFile& file_;
  std::uint64_t begin_;
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

Index read_index(const RegularFile& file) {
  const std::uint64_t least = kMagic.size() + kFooterBytes;
  std::array<std::uint8_t, kFooterBytes> footer{};
  std::array<std::uint8_t, 8> magic{};
  if (file.size() >= magic.size()) file.read(0, std::as_writable_bytes(std::span(magic)));
  const auto is_magic = [](const std::uint8_t* bytes) {
    return std::memcmp(bytes, kMagic.data(), kMagic.size()) == 0;
  };
  if (!is_magic(magic.data())) refuse(file, 0, "not a file of satsuma data pack");
  const std::uint64_t at = file.size() - std::min<std::uint64_t>(file.size(), kFooterBytes);
  if (file.size() >= least) file.read(at, std::as_writable_bytes(std::span(footer)));
  if (!is_magic(footer.data() + kFooterBytes - kMagic.size())) {
    refuse(file, file.size(), "a packed file without its end; it is cut off, pack it again");
  }
  if (sum_of(std::span(footer).first(28)) != number_at(footer.data() + 28, 4)) {
    refuse(file, at, "damaged: the checksum of the footer does not hold; pack it again");
  }
  if (const auto version = number_at(footer.data() + 20, 4); version != kVersion) {
    refuse(file, at + 20,
           fmt::format("version {} of packed files, expected {}; pack it again", version, kVersion));
  }
  const std::uint64_t kind = number_at(footer.data() + 24, 4);
  const std::uint64_t begin = number_at(footer.data(), 8);
  const std::uint64_t bytes = number_at(footer.data() + 8, 8);
  if (kind > 1 || begin < kMagic.size() || begin > at || bytes != at - begin) {
    refuse(file, at, fmt::format("damaged: an index at offset {} of {} bytes", begin, bytes));
  }
  std::vector<std::uint8_t> index(bytes);
  file.read(begin, std::as_writable_bytes(std::span(index)));
  if (sum_of(index) != number_at(footer.data() + 16, 4)) {
    refuse(file, begin, "damaged: the checksum of the index does not hold; pack it again");
  }
  return IndexReader(file, begin, index).read(static_cast<Kind>(kind));
}

/// What the parts of a file share.
struct Opened {
  RegularFile file;
  std::string name;  ///< of the file, as messages show it
  Index index;

  explicit Opened(const std::filesystem::path& path)
      : file(path), name(shown_path(path.string())), index(read_index(file)) {}
};

/// [C, H, W] of pictures that are all decoded and of one size, else [C, 0, 0].
Shape common_shape(const Index& index, std::int64_t channels) {
  const Entry& first = index.parts[0].front();
  for (const auto& part : index.parts) {
    for (const Entry& entry : part) {
      if (entry.height != first.height || entry.width != first.width) return {channels, 0, 0};
    }
  }
  return {channels, first.height, first.width};
}

class Part final : public Dataset {
 public:
  Part(std::shared_ptr<const Opened> opened, std::size_t part, std::int64_t channels)
      : opened_(std::move(opened)),
        entries_(opened_->index.parts[part]),
        shape_(common_shape(opened_->index, channels)) {}

  std::int64_t size() const override { return static_cast<std::int64_t>(entries_.size()); }
  Shape image_shape() const override { return shape_; }
  std::int64_t classes() const override { return static_cast<std::int64_t>(class_names().size()); }
  std::vector<std::string> class_names() const override { return opened_->index.class_names; }
  std::int64_t label(std::int64_t index) const override { return entry(index).label; }
  std::string name(std::int64_t index) const override {
    return fmt::format("{}:{}", opened_->name, shown_path(entry(index).name));
  }
  std::string key(std::int64_t index) const override { return entry(index).name; }

  void read(std::int64_t index, Image& image, std::int64_t least_side) const override {
    const Entry& from = entry(index);
    if (opened_->index.kind == Kind::files) {
      static PerThread<std::vector<std::uint8_t>> buffers;
      std::vector<std::uint8_t>& bytes = buffers.get();
      bytes.resize(from.bytes);
      read_bytes(from, bytes);
      decode_image(bytes, name(index), shape_[0], image, least_side);
      return;
    }
    image.resize(3, from.height, from.width);
    read_bytes(from, image.pixels);
    decode::convert_channels(image, shape_[0]);
  }

 private:
  const Entry& entry(std::int64_t index) const { return entries_[static_cast<std::size_t>(index)]; }

  void read_bytes(const Entry& from, std::span<std::uint8_t> to) const {
    opened_->file.read(from.offset, std::as_writable_bytes(to));
    if (sum_of(to) != from.sum) {
      refuse(
          opened_->file, from.offset,
          fmt::format("damaged: the checksum of '{}' does not hold; pack the file again", shown(from.name)));
    }
  }

  std::shared_ptr<const Opened> opened_;
  const std::vector<Entry>& entries_;
  Shape shape_;
};

}  // namespace

}  // namespace packed

bool is_packed(const std::filesystem::path& path) {
  std::error_code failure;
  if (!std::filesystem::is_regular_file(path, failure)) return false;
  try {
    std::array<std::uint8_t, 8> magic{};
    const RegularFile file(path);
    if (file.size() < magic.size()) return false;
    file.read(0, std::as_writable_bytes(std::span(magic)));
    return std::memcmp(magic.data(), packed::kMagic.data(), magic.size()) == 0;
  } catch (const Error&) {
    return false;
  }
}

PackedParts open_packed(const std::filesystem::path& path, std::int64_t channels) try {
  const auto opened = std::make_shared<const packed::Opened>(path);
  const auto part = [&](std::size_t number) -> std::shared_ptr<const Dataset> {
    if (opened->index.parts[number].empty()) return nullptr;
    return std::make_shared<packed::Part>(opened, number, channels);
  };
  return {part(0), part(1), part(2)};
} catch (const std::bad_alloc&) {
  throw Error(fmt::format("out of memory while '{}' was opened", shown_path(path.string())));
}

}  // namespace satsuma::data
