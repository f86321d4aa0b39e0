#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

struct z_stream_s;

namespace satsuma::data {

/// The bytes of a file in order, unpacked on the fly when it begins as gzip does.
class InputFile {
 public:
  enum class Content : std::uint8_t {
    unpacked,  ///< where it begins as gzip does
    as_stored,
  };
  /// Throws IoError when `path` is not a regular file that can be read.
  explicit InputFile(std::filesystem::path path, Content content = Content::unpacked);

  /// Fills `to` as far as the file goes and returns how far that was. Throws FormatError where gzip data are
  /// damaged or cut off; their checksum is verified by the read that reaches the end.
  std::size_t read(std::span<std::uint8_t> to);

  const std::filesystem::path& path() const { return path_; }
  bool packed() const { return inflate_ != nullptr; }
  /// Bytes of the file as it is stored.
  std::uint64_t stored_size() const { return stored_size_; }

 private:
  std::size_t read_stored(std::span<std::uint8_t> to);
  std::size_t read_packed(std::span<std::uint8_t> to);
  bool refill();
  void begin_member();
  /// Offset in the stored file of the next byte to unpack.
  std::uint64_t stored_offset() const;

  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct EndInflate {
    void operator()(z_stream_s* stream) const;
  };

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::uint64_t stored_size_ = 0;
  std::uint64_t stored_read_ = 0;
  std::unique_ptr<z_stream_s, EndInflate> inflate_;
  std::vector<std::uint8_t> buffer_;
  bool member_ended_ = false;
};

}  // namespace satsuma::data
