#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace satsuma {

/// A shared object that was looked at, and what came of it.
struct Plugin {
  std::filesystem::path file;
  std::string name;     ///< of its device; empty where the file has told none
  std::string version;  ///< its own
  std::string problem;  ///< why it was not loaded, in one line; empty where it was
};

/// Loads a shared object (see plugin.h) and adds its device to those that find_device() knows. The device is
/// set up when it is first asked for. A file that is loaded already is left alone. Throws UsageError with one
/// line when the file is none, is for another machine, has no or another entry, or when a device of its name
/// is there already.
///
/// A shared object that has been opened is never closed: its threads and thread-local destructors may outlive
/// everything that we know of it.
void load_plugin(const std::filesystem::path& file);

/// Loads what `list` names: absolute paths, separated by colons, of shared objects or of folders of them
/// (`*.so`, in the order of their names). Empty and relative entries are not followed, since what they mean
/// depends on the working directory. Nothing is thrown: plugins() has the problems.
void load_plugin_path(std::string_view list);

/// All that were looked at, in that order.
std::vector<Plugin> plugins();

/// Drops the devices of plug-ins, which calls their destroy once nothing of theirs is in use any more. To be
/// called at the end of a program, before the destructors of shared objects run.
void close_plugins();

}  // namespace satsuma
