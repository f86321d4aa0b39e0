#include "src/data/input_file.hpp"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

#include "satsuma/core/error.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::data {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;
constexpr int kGzipOnly = 15 + 16;  // largest window; refuse anything but a gzip header
constexpr std::array<std::uint8_t, 2> kGzipMagic = {0x1f, 0x8b};

}  // namespace

void InputFile::EndInflate::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

InputFile::InputFile(std::filesystem::path path, Content content) : path_(std::move(path)) {
  // Asked before opening: opening a named pipe would wait for a writer.
  std::error_code failure;
  const auto status = std::filesystem::status(path_, failure);
  if (failure) throw cannot_read(path_, failure.message());
  if (std::filesystem::is_directory(status)) throw cannot_read(path_, "it is a directory, expected a file");
  if (!std::filesystem::is_regular_file(status)) throw cannot_read(path_, "it is not a regular file");
  file_.reset(std::fopen(path_.c_str(), "rb"));
  if (!file_) throw cannot_read(path_, errno);
  stored_size_ = std::filesystem::file_size(path_, failure);
  if (failure) throw cannot_read(path_, failure.message());

  if (content == Content::as_stored) return;
  std::array<std::uint8_t, 2> magic{};
  const bool packed = read_stored(magic) == magic.size() && magic == kGzipMagic;
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0) throw cannot_read(path_, errno);
  stored_read_ = 0;
  if (!packed) return;
  auto stream = std::make_unique<z_stream>();
  if (inflateInit2(stream.get(), kGzipOnly) != Z_OK) throw Error("out of memory: zlib could not start");
  inflate_.reset(stream.release());
  buffer_.resize(kBufferBytes);
}

std::size_t InputFile::read(std::span<std::uint8_t> to) {
  return packed() ? read_packed(to) : read_stored(to);
}

std::size_t InputFile::read_stored(std::span<std::uint8_t> to) {
  const std::size_t got = std::fread(to.data(), 1, to.size(), file_.get());
  if (std::ferror(file_.get())) throw cannot_read(path_, errno);
  stored_read_ += got;
  return got;
}

std::uint64_t InputFile::stored_offset() const {
  return stored_read_ - inflate_->avail_in;
}

bool InputFile::refill() {
  if (inflate_->avail_in == 0) {
    inflate_->next_in = buffer_.data();
    inflate_->avail_in = static_cast<uInt>(read_stored(buffer_));
  }
  return inflate_->avail_in > 0;
}

/// A gzip file may be several one after the other. What follows the first must be another, not just any
/// bytes.
void InputFile::begin_member() {
  if (inflate_->next_in[0] != kGzipMagic[0]) {
    throw FormatError(
        fmt::format("{}: offset {}: {} bytes follow the gzip data, expected the end of the file",
                    shown_path(path_.string()), stored_offset(), stored_size_ - stored_offset()));
  }
  inflateReset(inflate_.get());
  member_ended_ = false;
}

std::size_t InputFile::read_packed(std::span<std::uint8_t> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    if (!refill()) {
      if (member_ended_) break;
      throw FormatError(fmt::format("{}: offset {}: the gzip data are cut off; fetch the file again",
                                    shown_path(path_.string()), stored_offset()));
    }
    if (member_ended_) begin_member();
    const std::size_t room = std::min<std::size_t>(to.size() - done, std::numeric_limits<uInt>::max());
    inflate_->next_out = to.data() + done;
    inflate_->avail_out = static_cast<uInt>(room);
    const int result = inflate(inflate_.get(), Z_NO_FLUSH);
    done += room - inflate_->avail_out;
    if (result == Z_MEM_ERROR) throw Error("out of memory: zlib could not go on");
    if (result != Z_OK && result != Z_STREAM_END) {
      throw FormatError(fmt::format("{}: offset {}: the gzip data are damaged ({}); fetch the file again",
                                    shown_path(path_.string()), stored_offset(),
                                    inflate_->msg ? inflate_->msg : "no progress"));
    }
    member_ended_ = result == Z_STREAM_END;
  }
  return done;
}

}  // namespace satsuma::data
