#include "src/train/events/event_writer.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>

#include "src/core/utf8.hpp"
#include "src/protobuf/event.hpp"
#include "src/train/events/crc32c.hpp"
#include "src/train/events/png.hpp"

namespace satsuma::train {

namespace {

constexpr int kIntervals = 64;

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  std::string text(name.data());
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::filesystem::path new_path(const std::filesystem::path& directory) {
  const std::string host = host_name();
  auto seconds = static_cast<std::int64_t>(now());
  // Readers take files in the order of their names.
  for (;; ++seconds) {
    std::filesystem::path path = directory / fmt::format("events.out.tfevents.{:010d}.{}", seconds, host);
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return path;
  }
}

event::Event event_of(std::int64_t step) {
  event::Event made;
  made.set_wall_time(now());
  made.set_step(step);
  return made;
}

void append(AppendFile& file, const event::Event& made) {
  file.append(tf_record(made.SerializeAsString()));
}

/// Strings of a message are UTF-8; a path or a file's class may be something else.
std::string valid(std::string_view text) {
  return is_utf8(text) ? std::string(text) : shown(text);
}

/// A value of the page HPARAMS, which has no number to show.
void append_hparams(AppendFile& file, const char* tag, const event::HParamsPluginData& data) {
  event::Event made = event_of(0);
  event::Summary::Value& value = *made.mutable_summary()->add_value();
  value.set_tag(tag);
  auto& plugin = *value.mutable_metadata()->mutable_plugin_data();
  plugin.set_plugin_name("hparams");
  plugin.set_content(data.SerializeAsString());
  append(file, made);
}

void fill(event::Histogram& histogram, std::span<const float> values) {
  double least = INFINITY, most = -INFINITY, sum = 0, squares = 0, count = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
    squares += value * value;
    ++count;
  }
  histogram.set_num(count);
  if (count == 0) return;
  histogram.set_min(least);
  histogram.set_max(most);
  histogram.set_sum(sum);
  histogram.set_sum_squares(squares);
  const int intervals = most > least ? kIntervals : 1;
  const double width = (most - least) / intervals;
  std::array<double, kIntervals> counts{};
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    const int at = width > 0 ? static_cast<int>((value - least) / width) : 0;
    ++counts[static_cast<std::size_t>(std::min(at, intervals - 1))];
  }
  for (int i = 0; i < intervals; ++i) {
    histogram.add_bucket_limit(i + 1 == intervals ? most : least + (i + 1) * width);
    histogram.add_bucket(counts[static_cast<std::size_t>(i)]);
  }
}

}  // namespace

std::string tf_record(std::string_view data) {
  const auto little_endian = [](std::uint64_t number, std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>((number >> (8 * i)) & 0xFF);
    return bytes;
  };
  const std::string length = little_endian(data.size(), 8);
  std::string record = length + little_endian(masked_crc32c(length), 4);
  record.append(data);
  return record + little_endian(masked_crc32c(data), 4);
}

void EventWriter::check_available() {}

EventWriter::EventWriter(const std::filesystem::path& directory, std::optional<std::int64_t> purge_from)
    : file_(new_path(directory)) {
  event::Event version = event_of(0);
  version.set_file_version("brain.Event:2");
  append(file_, version);
  if (!purge_from) return;
  event::Event start = event_of(*purge_from);
  start.mutable_session_log()->set_status(event::SessionLog::START);
  append(file_, start);
}

void EventWriter::scalars(std::int64_t step, std::span<const std::pair<std::string, double>> values) {
  event::Event made = event_of(step);
  for (const auto& [tag, number] : values) {
    event::Summary::Value& value = *made.mutable_summary()->add_value();
    value.set_tag(valid(tag));
    value.set_simple_value(static_cast<float>(number));
  }
  append(file_, made);
}

void EventWriter::histogram(std::int64_t step, std::string_view tag, std::span<const float> values) {
  event::Event made = event_of(step);
  event::Summary::Value& value = *made.mutable_summary()->add_value();
  value.set_tag(valid(tag));
  fill(*value.mutable_histo(), values);
  if (value.histo().num() > 0) append(file_, made);
}

void EventWriter::picture(std::int64_t step, std::string_view tag, const EventPicture& picture) {
  event::Event made = event_of(step);
  event::Summary::Value& value = *made.mutable_summary()->add_value();
  value.set_tag(valid(tag));
  event::Summary::Image& image = *value.mutable_image();
  image.set_height(static_cast<int>(picture.height));
  image.set_width(static_cast<int>(picture.width));
  image.set_colorspace(static_cast<int>(picture.channels));
  image.set_encoded_image_string(encode_png(picture.height, picture.width, picture.channels, picture.pixels));
  append(file_, made);
}

void EventWriter::begin_session(std::span<const std::pair<std::string, HyperParameter>> parameters,
                                std::span<const std::string> metrics) {
  event::HParamsPluginData experiment, session;
  experiment.mutable_experiment()->set_time_created_secs(now());
  session.mutable_session_start_info()->set_start_time_secs(now());
  auto& values = *session.mutable_session_start_info()->mutable_hparams();
  for (const auto& [name, parameter] : parameters) {
    event::HParamInfo& info = *experiment.mutable_experiment()->add_hparam_infos();
    info.set_name(name);
    event::Value& value = values[name];
    if (const bool* const yes = std::get_if<bool>(&parameter)) {
      info.set_type(event::DATA_TYPE_BOOL);
      value.set_bool_value(*yes);
    } else if (const double* const number = std::get_if<double>(&parameter)) {
      info.set_type(event::DATA_TYPE_FLOAT64);
      value.set_number_value(*number);
    } else {
      info.set_type(event::DATA_TYPE_STRING);
      value.set_string_value(valid(std::get<std::string>(parameter)));
    }
  }
  for (const std::string& tag : metrics)
    experiment.mutable_experiment()->add_metric_infos()->mutable_name()->set_tag(tag);
  append_hparams(file_, "_hparams_/experiment", experiment);
  append_hparams(file_, "_hparams_/session_start_info", session);
}

void EventWriter::end_session(bool success) {
  event::HParamsPluginData end;
  end.mutable_session_end_info()->set_status(success ? event::SessionEndInfo::STATUS_SUCCESS
                                                     : event::SessionEndInfo::STATUS_FAILURE);
  end.mutable_session_end_info()->set_end_time_secs(now());
  append_hparams(file_, "_hparams_/session_end_info", end);
}

}  // namespace satsuma::train
