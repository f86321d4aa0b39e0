#include "src/train/epoch_report.hpp"

#include <fmt/core.h>

namespace satsuma::train {

std::vector<std::string> epoch_lines(const LogRecord& record, std::int64_t epochs) {
  std::string scores;
  if (record.validation) {
    scores = fmt::format("  validation loss {:.4f}  validation accuracy {:.2f} %", record.validation->loss,
                         100 * record.validation->accuracy);
  }
  std::vector<std::string> lines = {fmt::format(
      "epoch {}/{}  train loss {:.4f}  train accuracy {:.2f} %{}  {:.0f} images/s", record.epoch, epochs,
      record.tally.loss(), 100 * record.tally.accuracy(), scores, record.tally.images_per_second())};
  if (const auto& ranks = record.ranks) {
    lines.push_back(fmt::format(
        "{} ranks wait {:.1f} % of the time for each other; rank {} is the slowest and waits {:.1f} %",
        ranks->ranks, 100 * ranks->waiting, ranks->slowest, 100 * ranks->slowest_waiting));
  }
  if (const Work& work = record.tally.work; work.device_nanoseconds > 0) {
    lines.push_back(
        fmt::format("this epoch would have taken {:.3g} s and {:.3g} J on the card, {:.0f} images/s",
                    work.device_seconds(), work.joules(),
                    static_cast<double>(record.tally.images) / work.device_seconds()));
  }
  if (const Work& work = record.tally.work; work.kernel_nanoseconds > 0) {
    lines.push_back(fmt::format(
        "by the device's clock {:.3g} s of kernels, {:.3g} s of transfers of {:.3g} GB",
        work.kernel_seconds(), work.transfer_seconds(), 1e-9 * static_cast<double>(work.bytes_moved)));
  }
  if (const auto& scale = record.loss_scale; scale && scale->skipped > 0) {
    lines.push_back(fmt::format("loss scale {:g}, {} step{} skipped so far", scale->value, scale->skipped,
                                scale->skipped == 1 ? "" : "s"));
  }
  return lines;
}

}  // namespace satsuma::train
