#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "src/train/events/append_file.hpp"

namespace satsuma::train {

/// A picture of bytes, row-major with channels (1 or 3) side by side.
struct EventPicture {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 0;
  std::vector<std::uint8_t> pixels;
};

using HyperParameter = std::variant<bool, double, std::string>;

/// Writes a TensorBoard event file: TFRecords (length, masked CRC-32C of it, data, masked CRC-32C of that) of
/// protobuf's `Event` messages. Every call throws IoError when the file cannot be written; whole records are
/// in it then.
class EventWriter {
 public:
  /// Throws UsageError where this build has no protobuf.
  static void check_available();

  /// Begins `events.out.tfevents.TIME.HOST` in `directory`, TIME in seconds since 1970, later where there
  /// is such a file. With `purge_from` readers forget what earlier files say of that step and those behind
  /// it.
  explicit EventWriter(const std::filesystem::path& directory, std::optional<std::int64_t> purge_from = {});

  void scalars(std::int64_t step, std::span<const std::pair<std::string, double>> values);
  /// 64 equal intervals from the least to the largest value; NaN and infinities are left out, and nothing is
  /// written where there is no other.
  void histogram(std::int64_t step, std::string_view tag, std::span<const float> values);
  void picture(std::int64_t step, std::string_view tag, const EventPicture& picture);
  /// The page HPARAMS: what the session was begun with, and which scalars it is judged by.
  void begin_session(std::span<const std::pair<std::string, HyperParameter>> parameters,
                     std::span<const std::string> metrics);
  void end_session(bool success);

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  AppendFile file_;
};

/// `data` as a TFRecord.
std::string tf_record(std::string_view data);

}  // namespace satsuma::train
