#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "satsuma/train/run_directory.hpp"

namespace satsuma::train {

namespace {

using nlohmann::ordered_json;

/// Lines of steps up to `step`. A line that was cut off by a crash is dropped with the rest.
std::string lines_until(const std::filesystem::path& path, std::int64_t step) {
  std::ifstream file(path);
  std::error_code ignored;
  if (!file && std::filesystem::exists(path, ignored)) throw IoError(io_message("read", path, errno));
  std::string kept;
  for (std::string line; std::getline(file, line);) {
    const ordered_json record = ordered_json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("step") || !record["step"].is_number_integer()) continue;
    if (record["step"].get<std::int64_t>() <= step) kept += line + '\n';
  }
  // Lines that could not be read must not be replaced by none.
  if (file.bad()) throw IoError(io_message("read", path, EIO));
  return kept;
}

std::string to_line(const LogRecord& record) {
  ordered_json object;
  object["kind"] = record.epoch_end ? "epoch" : "step";
  object["step"] = record.step;
  object["epoch"] = record.epoch;
  object["loss"] = record.tally.loss();
  object["accuracy"] = record.tally.accuracy();
  if (record.test_loss) object["test_loss"] = *record.test_loss;
  if (record.test_accuracy) object["test_accuracy"] = *record.test_accuracy;
  object["lr"] = record.lr;
  object["nm"] = to_string(record.pattern);
  if (record.loss_scale) {
    object["loss_scale"] = record.loss_scale->value;
    object["skipped_steps"] = record.loss_scale->skipped;
  }
  object["images_per_second"] = record.tally.images_per_second();
  object["macs"] = record.tally.work.macs();
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu})
    object[fmt::format("macs_{}", to_string(pass))] =
        record.tally.work.pass_macs[static_cast<std::size_t>(pass)];
  object["dense_macs"] = record.tally.work.dense_macs;
  if (record.tally.work.device_nanoseconds > 0) {
    object["device_seconds"] = record.tally.work.device_seconds();
    object["joules"] = record.tally.work.joules();
  }
  if (record.tally.work.kernel_nanoseconds > 0) {
    object["kernel_seconds"] = record.tally.work.kernel_seconds();
    object["transfer_seconds"] = record.tally.work.transfer_seconds();
    object["bytes_moved"] = record.tally.work.bytes_moved;
  }
  if (const auto& time = record.time) {
    object["time"] = {{"data", time->data},
                      {"forward", time->forward},
                      {"backward", time->backward},
                      {"update", time->update}};
  }
  object["seconds"] = record.seconds;
  return object.dump() + '\n';
}

}  // namespace

RunLog::RunLog(std::filesystem::path path, std::int64_t step) : path_(std::move(path)) {
  write_atomically(path_, lines_until(path_, step));
  file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file_ < 0) throw IoError(io_message("write", path_, errno));
}

RunLog::~RunLog() {
  ::close(file_);
}

void RunLog::write(const LogRecord& record) {
  const std::string line = to_line(record);
  const off_t begin = ::lseek(file_, 0, SEEK_END);
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      const bool whole = begin < 0 || ::ftruncate(file_, begin) == 0;
      throw IoError(io_message(whole ? "write" : "write a whole line to", path_, error));
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace satsuma::train
