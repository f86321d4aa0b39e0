#include "tools/satsuma/download/download.hpp"

#include <fmt/core.h>

#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/core/message.hpp"
#include "src/core/utf8.hpp"
#include "src/data/input_file.hpp"
#include "src/data/md5.hpp"
#include "src/train/locked_file.hpp"
#include "tools/satsuma/download/transfer.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

constexpr int kTries = 4;

/// Of the bytes as they are stored.
std::string md5_of_file(const fs::path& path) {
  data::Md5 sum;
  std::vector<std::uint8_t> piece(std::size_t{1} << 20);
  data::InputFile file(path, data::InputFile::Content::as_stored);
  while (const std::size_t got = file.read(piece)) sum.add(std::span(piece).first(got));
  return sum.digits();
}

std::int64_t size_of(const fs::path& path) {
  std::error_code missing;
  const std::uintmax_t size = fs::file_size(path, missing);
  return missing ? 0 : static_cast<std::int64_t>(size);
}

/// Until all is there.
void fetch(const std::string& url, const fs::path& part, const DownloadProgress& progress) {
  using End = TransferResult::End;
  for (int attempt = 1;; ++attempt) {
    const TransferResult result = transfer(url, part, size_of(part), progress);
    if (result.end == End::done) return;
    if (result.end == End::cannot_resume && size_of(part) > 0) {
      say("{} cannot be resumed ({}); fetching it from its beginning", url, shown(result.why));
      fs::remove(part);
    } else if (result.end != End::broken || attempt == kTries) {
      throw IoError(fmt::format(
          "cannot fetch {}: {}{}", url, shown(result.why),
          size_of(part) > 0 ? "; what is there is kept, and the same command goes on from it" : ""));
    }
    if (attempt > 1) std::this_thread::sleep_for(std::chrono::seconds(attempt));
  }
}

}  // namespace

void download(const std::string& url, const fs::path& to, std::string_view md5,
              const DownloadProgress& progress) {
  if (fs::exists(to)) {
    const std::string sum = md5_of_file(to);
    if (sum == md5) return;
    throw FormatError(fmt::format("'{}' is there, but its MD5 sum is {}, expected {}; remove or rename it",
                                  shown_path(to.string()), sum, md5));
  }
  fs::path part = to;
  part += ".part";
  fs::path lock = to;
  lock += ".lock";
  const train::LockedFile own(lock, false);
  if (own.state() == train::LockedFile::State::taken) {
    throw IoError(fmt::format("another process is fetching '{}'; begin again when it has ended",
                              shown_path(to.string())));
  }
  fetch(url, part, progress);
  const std::string sum = md5_of_file(part);
  if (sum != md5) {
    const std::int64_t size = size_of(part);
    fs::remove(part);
    throw FormatError(
        fmt::format("{}: {} bytes with the MD5 sum {}, expected {}; it was removed, fetch it again", url,
                    size, sum, md5));
  }
  fs::rename(part, to);
}

}  // namespace satsuma::tools
