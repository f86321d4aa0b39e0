#include "src/data/pack_writer.hpp"

#include <zlib.h>

#include <utility>

namespace satsuma::data::packed {

namespace {

/// Little-endian numbers and names, one after the other.
class Bytes {
 public:
  void u32(std::size_t value) { number(value, 4); }
  void u64(std::size_t value) { number(value, 8); }
  void text(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void name(std::string_view name) {
    u32(name.size());
    text(name);
  }
  std::span<const std::uint8_t> span() const { return bytes_; }
  std::size_t sum() const { return crc32_z(0, bytes_.data(), bytes_.size()); }

 private:
  void number(std::size_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace

Writer::Writer(Kind kind, std::vector<std::string> class_names, Sink sink) : sink_(std::move(sink)) {
  index_.kind = kind;
  index_.class_names = std::move(class_names);
  write({reinterpret_cast<const std::uint8_t*>(kMagic.data()), kMagic.size()});
}

void Writer::write(std::span<const std::uint8_t> bytes) {
  sink_(bytes);
  at_ += bytes.size();
}

Entry& Writer::append(std::size_t part, std::int64_t label, std::string name,
                      std::span<const std::uint8_t> bytes) {
  Entry& entry = index_.parts[part].emplace_back();
  entry.offset = at_;
  entry.bytes = bytes.size();
  entry.sum = static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
  entry.label = static_cast<std::uint32_t>(label);
  entry.name = std::move(name);
  write(bytes);
  return entry;
}

void Writer::add(std::size_t part, std::int64_t label, std::string name, std::span<const std::uint8_t> file) {
  append(part, label, std::move(name), file);
}

void Writer::add(std::size_t part, std::int64_t label, std::string name, const Image& image) {
  Entry& entry = append(part, label, std::move(name), image.pixels);
  entry.height = static_cast<std::uint32_t>(image.height);
  entry.width = static_cast<std::uint32_t>(image.width);
}

void Writer::finish() {
  Bytes index;
  index.u32(index_.class_names.size());
  for (const std::string& name : index_.class_names) index.name(name);
  for (const auto& part : index_.parts) index.u64(part.size());
  for (const auto& part : index_.parts) {
    for (const Entry& entry : part) {
      index.u64(entry.offset);
      index.u64(entry.bytes);
      index.u32(entry.sum);
      index.u32(entry.label);
      index.u32(entry.height);
      index.u32(entry.width);
      index.name(entry.name);
    }
  }
  Bytes footer;
  footer.u64(at_);
  footer.u64(index.span().size());
  footer.u32(index.sum());
  footer.u32(kVersion);
  footer.u32(static_cast<std::uint32_t>(index_.kind));
  footer.u32(footer.sum());
  footer.text(kMagic);
  write(index.span());
  write(footer.span());
}

}  // namespace satsuma::data::packed
