#include <curl/curl.h>
#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "tools/satsuma/download/transfer.hpp"

namespace satsuma::tools {

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct CloseCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

/// What the callbacks of a transfer know.
struct State {
  std::FILE* file;
  std::int64_t have;
  const DownloadProgress& progress;
  int write_error = 0;
};

std::size_t write_piece(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  errno = 0;
  const std::size_t written = std::fwrite(bytes, size, count, state.file);
  if (written != count) state.write_error = errno;
  return written * size;
}

int show_progress(void* user, curl_off_t all, curl_off_t done, curl_off_t, curl_off_t) {
  const auto& state = *static_cast<const State*>(user);
  state.progress(state.have + done, all > 0 ? state.have + all : 0);
  return 0;
}

TransferResult judge(CURLcode code, long status, std::string why) {
  using End = TransferResult::End;
  switch (code) {
    case CURLE_OK:
      return {End::done, ""};
    case CURLE_RANGE_ERROR:
      return {End::cannot_resume, std::move(why)};
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
      return {End::broken, std::move(why)};
    case CURLE_HTTP_RETURNED_ERROR:
      // 416: there is nothing behind what we have, or the file has changed.
      if (status == 416) return {End::cannot_resume, "HTTP 416"};
      return {status >= 500 || status == 429 ? End::broken : End::refused, fmt::format("HTTP {}", status)};
    default:
      return {End::refused, std::move(why)};
  }
}

}  // namespace

std::string_view download_library() {
  return curl_version_info(CURLVERSION_NOW)->version;
}

TransferResult transfer(const std::string& url, const std::filesystem::path& part, std::int64_t have,
                        const DownloadProgress& progress) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(part.c_str(), "ab"));
  if (!file) throw IoError(train::io_message("write", part, errno));
  const std::unique_ptr<CURL, CloseCurl> curl(curl_easy_init());
  if (!curl) throw Error("libcurl could not start");
  State state{file.get(), have, progress};
  std::array<char, CURL_ERROR_SIZE> words{};
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 10L);
  set(CURLOPT_FAILONERROR, 1L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT, 30L);
  // Nothing for a minute is a broken connection.
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, 60L);
  set(CURLOPT_USERAGENT, "satsuma/" SATSUMA_VERSION);
  set(CURLOPT_RESUME_FROM_LARGE, static_cast<curl_off_t>(have));
  set(CURLOPT_ERRORBUFFER, words.data());
  set(CURLOPT_WRITEFUNCTION, write_piece);
  set(CURLOPT_WRITEDATA, &state);
  set(CURLOPT_XFERINFOFUNCTION, show_progress);
  set(CURLOPT_XFERINFODATA, &state);
  set(CURLOPT_NOPROGRESS, 0L);
  const CURLcode code = curl_easy_perform(curl.get());
  if (std::fflush(file.get()) != 0 && state.write_error == 0) state.write_error = errno;
  if (state.write_error != 0) throw IoError(train::io_message("write", part, state.write_error));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return judge(code, status, words[0] != '\0' ? words.data() : curl_easy_strerror(code));
}

}  // namespace satsuma::tools
