#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace satsuma::tools {

/// Bytes that are there, and bytes in all (0: not known).
using DownloadProgress = std::function<void(std::int64_t done, std::int64_t all)>;

/// The version of libcurl, or nothing in a build without it.
std::string_view download_library();

/// Fetches `url` (http, https) into `to`. What was fetched before an interruption is in `to`.part, and the
/// next call goes on from there; a connection that breaks is tried anew three times. The file gets its name
/// when its MD5 sum is `md5`; where it is there already, with that sum, nothing is fetched. Throws IoError
/// where the server refuses or nothing can be written, FormatError on another sum (the file that was fetched
/// is removed then, and one that was there before is not).
void download(const std::string& url, const std::filesystem::path& to, std::string_view md5,
              const DownloadProgress& progress);

}  // namespace satsuma::tools
