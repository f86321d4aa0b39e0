#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "tools/satsuma/download/download.hpp"

namespace satsuma::tools {

/// How a transfer ended.
struct TransferResult {
  enum class End : std::uint8_t {
    done,
    cannot_resume,  ///< the server sends files from their beginning only
    broken,         ///< worth another try
    refused,
  };
  End end = End::done;
  std::string why;
};

/// Appends to `part`, which holds the first `have` bytes of `url`, the others. One try.
TransferResult transfer(const std::string& url, const std::filesystem::path& part, std::int64_t have,
                        const DownloadProgress& progress);

}  // namespace satsuma::tools
