#pragma once

#include <filesystem>

namespace satsuma::plugin_host {

/// Opens `file` and calls its entry in a child process first. Throws UsageError when the child dies of that:
/// an exception out of a static constructor, or a crash, would take this program with it, and nothing that a
/// caller of dlopen() can do prevents it.
void probe(const std::filesystem::path& file);

}  // namespace satsuma::plugin_host
