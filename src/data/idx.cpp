#include "satsuma/data/idx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

#include "satsuma/core/error.hpp"
#include "src/core/utf8.hpp"
#include "src/data/input_file.hpp"

namespace satsuma::data {

namespace {

constexpr int kUnsignedByte = 0x08;
constexpr std::size_t kPieceBytes = std::size_t{1} << 22;

[[noreturn]] void refuse(const InputFile& file, std::uint64_t offset, const std::string& what) {
  throw FormatError(fmt::format("{}: offset {}{}: {}", shown_path(file.path().string()), offset,
                                file.packed() ? " of the unpacked data" : "", what));
}

Shape read_header(InputFile& file, int rank) {
  std::array<std::uint8_t, 4> word{};
  std::uint64_t offset = 0;
  const auto next_word = [&] {
    const std::size_t got = file.read(word);
    if (got < word.size()) {
      refuse(file, offset + got,
             fmt::format("the file ends within its header, expected the {} bytes of an IDX file of rank {}",
                         4 + 4 * rank, rank));
    }
    offset += word.size();
  };
  next_word();
  if (word[0] != 0 || word[1] != 0) {
    refuse(file, 0,
           fmt::format("not an IDX file: it begins with {:02x}, expected 00 00 08 {:02x}",
                       fmt::join(word, " "), rank));
  }
  if (word[2] != kUnsignedByte) {
    refuse(file, 2, fmt::format("element type {:#04x}, expected 0x08 (unsigned bytes)", word[2]));
  }
  if (word[3] != rank) refuse(file, 3, fmt::format("rank {}, expected {}", word[3], rank));
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) {
    next_word();
    shape.push_back(std::int64_t{word[0]} << 24 | std::int64_t{word[1]} << 16 | std::int64_t{word[2]} << 8 |
                    word[3]);
  }
  return shape;
}

/// Values of the header's shape; throws FormatError where that is beyond 63 bits.
std::uint64_t value_count(const InputFile& file, const Shape& shape) {
  try {
    return static_cast<std::uint64_t>(shape.numel());
  } catch (const ShapeError&) {
    refuse(file, 4,
           fmt::format("the header claims a shape of {}, more than any file holds", to_string(shape)));
  }
}

[[noreturn]] void refuse_short(const InputFile& file, std::uint64_t offset, std::uint64_t expected) {
  refuse(file, offset,
         fmt::format("the file ends, but its header claims {} bytes; fetch it again", expected));
}

/// The size of a stored file is known, so a wrong claim is refused before anything is allocated.
std::vector<std::uint8_t> read_stored(InputFile& file, std::uint64_t header, std::uint64_t count) {
  const std::uint64_t size = file.stored_size();
  if (size - header < count) refuse_short(file, size, header + count);
  if (size - header > count) {
    refuse(file, header + count,
           fmt::format("{} bytes follow the data, expected the end of the file", size - header - count));
  }
  std::vector<std::uint8_t> values(count);
  const std::size_t got = file.read(values);
  if (got < count) refuse_short(file, header + got, header + count);
  return values;
}

/// How much a gzip file holds is known at its end only: unpack it piece by piece, and join the pieces once
/// all are there.
std::vector<std::uint8_t> read_packed(InputFile& file, std::uint64_t header, std::uint64_t count) {
  std::vector<std::vector<std::uint8_t>> pieces;
  for (std::uint64_t done = 0; done < count;) {
    auto& piece = pieces.emplace_back(std::min<std::uint64_t>(kPieceBytes, count - done));
    const std::size_t got = file.read(piece);
    done += got;
    if (got < piece.size()) refuse_short(file, header + done, header + count);
  }
  std::array<std::uint8_t, 1> more{};
  if (file.read(more) != 0) refuse(file, header + count, "data follow, expected the end of the file");
  if (pieces.size() == 1) return std::move(pieces.front());
  std::vector<std::uint8_t> values;
  values.reserve(count);
  for (auto& piece : pieces) {
    values.insert(values.end(), piece.begin(), piece.end());
    std::vector<std::uint8_t>().swap(piece);
  }
  return values;
}

}  // namespace

IdxArray read_idx(const std::filesystem::path& path, int rank) try {
  InputFile file(path);
  IdxArray array;
  array.shape = read_header(file, rank);
  const std::uint64_t count = value_count(file, array.shape);
  const auto header = static_cast<std::uint64_t>(array.header_bytes());
  array.values = file.packed() ? read_packed(file, header, count) : read_stored(file, header, count);
  return array;
} catch (const std::bad_alloc&) {
  throw Error(fmt::format("out of memory while '{}' was read", shown_path(path.string())));
}

}  // namespace satsuma::data
