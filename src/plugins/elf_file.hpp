#pragma once

#include <filesystem>

namespace satsuma::plugin_host {

/// Throws UsageError, which says what is wrong in one line, unless `file` is a whole shared object for the
/// machine that this program was built for. What dlopen() would say of it is misleading at best; a file that
/// is cut short ends in a signal.
void check_shared_object(const std::filesystem::path& file);

}  // namespace satsuma::plugin_host
