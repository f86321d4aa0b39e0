#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

namespace satsuma {

/// What a file holds, all of it. `failure` says what the system said where it cannot be read, and EFBIG where
/// it has over `most` bytes; the result is empty then. It is read until its end, whatever size it claims to
/// have.
std::string read_whole_file(const std::filesystem::path& path, std::error_code& failure,
                            std::uint64_t most = UINT64_MAX);

}  // namespace satsuma
