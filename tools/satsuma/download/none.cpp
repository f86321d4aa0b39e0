// A build without libcurl.

#include <fmt/core.h>

#include "satsuma/core/error.hpp"
#include "tools/satsuma/download/transfer.hpp"

namespace satsuma::tools {

std::string_view download_library() {
  return "";
}

TransferResult transfer(const std::string& url, const std::filesystem::path& part, std::int64_t,
                        const DownloadProgress&) {
  throw UsageError(
      fmt::format("this build of satsuma has no libcurl (Debian: libcurl4-openssl-dev), so it fetches "
                  "nothing; fetch {} by other means into {}",
                  url, part.parent_path().string()));
}

}  // namespace satsuma::tools
