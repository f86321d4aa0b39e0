#pragma once

#include <string>
#include <string_view>

namespace satsuma::opencl {

/// What a compiler's log says went wrong, in one line: its first error and, where that names a line of
/// `source`, that line. Users do not have the text that was compiled: it is put together in memory.
std::string build_error(const std::string& log, std::string_view source);

}  // namespace satsuma::opencl
