#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "satsuma/train/run_directory.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/json.hpp"
#include "src/train/events/append_file.hpp"

namespace satsuma::train {

namespace {

constexpr std::array kColumns = {"kind",
                                 "step",
                                 "epoch",
                                 "loss",
                                 "accuracy",
                                 "val_loss",
                                 "val_accuracy",
                                 "val_top5",
                                 "test_loss",
                                 "test_accuracy",
                                 "test_top5",
                                 "lr",
                                 "nm",
                                 "loss_scale",
                                 "skipped_steps",
                                 "gradient_norm",
                                 "mask_changes",
                                 "images_per_second",
                                 "macs",
                                 "macs_FF",
                                 "macs_BP",
                                 "macs_WU",
                                 "dense_macs",
                                 "device_seconds",
                                 "joules",
                                 "kernel_seconds",
                                 "transfer_seconds",
                                 "bytes_moved",
                                 "ranks",
                                 "slowest_rank",
                                 "slowest_waiting",
                                 "waiting",
                                 "seconds"};

std::string_view name_of(LogRecord::Kind kind) {
  return kind == LogRecord::Kind::step ? "step" : kind == LogRecord::Kind::epoch ? "epoch" : "test";
}

/// Lines up to `step`, those of epochs up to `evaluated`. A line that was cut off by a crash is dropped with
/// the rest.
std::vector<Json> lines_until(const std::filesystem::path& path, std::int64_t step, std::int64_t evaluated) {
  std::ifstream file(path);
  std::error_code ignored;
  if (!file && std::filesystem::exists(path, ignored)) throw cannot_read(path, errno);
  std::vector<Json> kept;
  for (std::string line; std::getline(file, line);) {
    Json record = parse_json(line);
    if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) continue;
    const Json kind = record.value("kind", Json());
    if (kind == "test" || record["step"].get<std::int64_t>() > (kind == "epoch" ? evaluated : step)) continue;
    kept.push_back(std::move(record));
  }
  // Lines that could not be read must not be replaced by none.
  if (file.bad()) throw cannot_read(path, EIO);
  return kept;
}

void add(Json& object, const char* which, const std::optional<LogRecord::Scores>& scores) {
  if (!scores) return;
  object[fmt::format("{}_loss", which)] = scores->loss;
  object[fmt::format("{}_accuracy", which)] = scores->accuracy;
  object[fmt::format("{}_top5", which)] = scores->top5;
}

void add(Json& object, const Tally& tally) {
  object["images_per_second"] = tally.images_per_second();
  object["macs"] = tally.work.macs();
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu})
    object[fmt::format("macs_{}", to_string(pass))] = tally.work.pass_macs[static_cast<std::size_t>(pass)];
  object["dense_macs"] = tally.work.dense_macs;
  if (tally.work.device_nanoseconds > 0) {
    object["device_seconds"] = tally.work.device_seconds();
    object["joules"] = tally.work.joules();
  }
  if (tally.work.kernel_nanoseconds > 0) {
    object["kernel_seconds"] = tally.work.kernel_seconds();
    object["transfer_seconds"] = tally.work.transfer_seconds();
    object["bytes_moved"] = tally.work.bytes_moved;
  }
}

Json to_json(const LogRecord& record) {
  Json object;
  object["kind"] = name_of(record.kind);
  object["step"] = record.step;
  object["epoch"] = record.epoch;
  if (record.kind == LogRecord::Kind::test) {
    add(object, "test", record.test);
    return object;
  }
  object["loss"] = record.tally.loss();
  object["accuracy"] = record.tally.accuracy();
  add(object, "val", record.validation);
  object["lr"] = record.lr;
  object["nm"] = to_string(record.pattern);
  if (record.loss_scale) {
    object["loss_scale"] = record.loss_scale->value;
    object["skipped_steps"] = record.loss_scale->skipped;
  }
  if (record.gradient_norm) object["gradient_norm"] = *record.gradient_norm;
  for (const auto& [layer, share] : record.mask_change) object["mask_changes"][layer] = share;
  add(object, record.tally);
  if (const auto& time = record.time) {
    object["time"] = {{"data", time->data},
                      {"forward", time->forward},
                      {"backward", time->backward},
                      {"update", time->update}};
  }
  if (const auto& ranks = record.ranks) {
    object["ranks"] = ranks->ranks;
    object["slowest_rank"] = ranks->slowest;
    object["slowest_waiting"] = ranks->slowest_waiting;
    object["waiting"] = ranks->waiting;
  }
  object["seconds"] = record.seconds;
  return object;
}

/// A value as a cell: nothing in it needs quotes.
std::string cell(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "";
  if (!value.is_object()) return json_text(value);
  double sum = 0;
  for (const Json& element : value) sum += element.is_number() ? element.get<double>() : 0;
  return json_text(sum / static_cast<double>(value.size()));
}

std::string row_of(const Json& object) {
  std::string row;
  for (const char* const column : kColumns) {
    if (!row.empty()) row += ',';
    if (const auto found = object.find(column); found != object.end()) row += cell(*found);
  }
  return row + '\n';
}

std::string heading() {
  return fmt::format("{}\n", fmt::join(kColumns, ","));
}

/// A file that begins with `content`, whatever was there.
std::unique_ptr<AppendFile> begun(const std::filesystem::path& path, std::string_view content) {
  write_atomically(path, content);
  return std::make_unique<AppendFile>(path, AppendFile::Begin::at_end);
}

}  // namespace

RunLog::RunLog(const std::filesystem::path& path, const std::filesystem::path& table, std::int64_t step,
               std::int64_t evaluated) {
  std::string lines, rows = heading();
  for (const Json& record : lines_until(path, step, evaluated)) {
    lines += json_text(record) + '\n';
    rows += row_of(record);
  }
  lines_ = begun(path, lines);
  table_ = begun(table, rows);
}

RunLog::~RunLog() = default;

void RunLog::write(const LogRecord& record) {
  const Json object = to_json(record);
  lines_->append(json_text(object) + '\n');
  table_->append(row_of(object));
}

}  // namespace satsuma::train
