#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "satsuma/data/image.hpp"
#include "src/data/packed_format.hpp"

namespace satsuma::data::packed {

/// Writes a packed file from front to end. What is written goes to `sink`.
class Writer {
 public:
  using Sink = std::function<void(std::span<const std::uint8_t>)>;

  Writer(Kind kind, std::vector<std::string> class_names, Sink sink);
  /// Adds a picture to a part (0 training, 1 validation, 2 test): RGB where the kind is decoded.
  void add(std::size_t part, std::int64_t label, std::string name, const Image& image);
  /// The same, a file as it is.
  void add(std::size_t part, std::int64_t label, std::string name, std::span<const std::uint8_t> file);
  /// Writes index and footer.
  void finish();

 private:
  void write(std::span<const std::uint8_t> bytes);
  Entry& append(std::size_t part, std::int64_t label, std::string name, std::span<const std::uint8_t> bytes);

  Index index_;
  Sink sink_;
  std::uint64_t at_ = 0;
};

}  // namespace satsuma::data::packed
