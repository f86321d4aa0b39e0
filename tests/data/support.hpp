#pragma once

#include <stdlib.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/shape.hpp"
#include "satsuma/data/dataset.hpp"

namespace satsuma::data_tests {

using Bytes = std::vector<std::uint8_t>;

/// A directory that goes with the test.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "satsuma-data-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(path_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

inline void append_big_endian(Bytes& bytes, std::uint32_t word) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<std::uint8_t>(word >> shift));
}

inline Bytes idx_bytes(const std::vector<std::uint32_t>& extents, const Bytes& values) {
  Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents) append_big_endian(bytes, extent);
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

inline Bytes gzip(const Bytes& bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflate");
  Bytes packed(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 64);
  Bytes input = bytes;
  stream.next_in = input.data();
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("deflate");
  return {packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(stream.total_out)};
}

/// `count` bytes that differ from place to place.
inline Bytes pattern(std::size_t count, unsigned salt = 0) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i)
    bytes[i] = static_cast<std::uint8_t>((i * 37 + i / 251 + salt * 101) & 255);
  return bytes;
}

/// Image `index` of a data set, a plane for each channel.
inline Bytes planes_of(const data::Dataset& dataset, std::int64_t index) {
  data::Image image;
  dataset.read(index, image);
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t plane = image.pixels.size() / channels;
  Bytes planes(image.pixels.size());
  for (std::size_t i = 0; i < image.pixels.size(); ++i)
    planes[i % channels * plane + i / channels] = image.pixels[i];
  return planes;
}

/// The message with which `call` throws an E, or "" when it does not.
template <typename E, typename F>
std::string message_of(F&& call) {
  try {
    std::forward<F>(call)();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Most bytes that operator new has had out at once since the last reset, and what is out now.
std::size_t peak_new_bytes();
void reset_peak_new_bytes();
std::size_t live_new_bytes();

}  // namespace satsuma::data_tests
