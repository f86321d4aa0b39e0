#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace satsuma::data {

/// Content of binary CIFAR files: pictures of 32x32 pixels, each a plane of red, green and blue.
struct CifarArray {
  std::vector<std::uint8_t> images;  ///< [N, 3, 32, 32]
  std::vector<std::int64_t> labels;
};

/// Appends the records of a binary CIFAR file (https://www.cs.toronto.edu/~kriz/cifar.html): `label_bytes`
/// bytes of labels, the last of which counts (1 for CIFAR-10, 2 for CIFAR-100: coarse, fine), and 3072 of
/// pixels. The size of the file says how many there are, so that nothing has to be believed. Throws IoError
/// where it cannot be read, and FormatError, naming file and offset, where its size is no multiple of a
/// record's or a label is not below `classes`.
void read_cifar(const std::filesystem::path& path, std::int64_t label_bytes, std::int64_t classes,
                CifarArray& to);
/// The same, of what a file holds.
void parse_cifar(std::span<const std::uint8_t> bytes, std::string_view source, std::int64_t label_bytes,
                 std::int64_t classes, CifarArray& to);

}  // namespace satsuma::data
