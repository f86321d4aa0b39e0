#pragma once

#include <string>

#include "satsuma/plugin.h"

namespace satsuma::plugin_host {

/// A copy of what a plug-in's entry returned, with functions that an older plug-in does not know null. Throws
/// UsageError beginning with `who` on another interface version, a size that this version never had, a name
/// that is none, an activation format that is unknown, or functions that come in pairs and did not.
satsuma_plugin checked_table(const satsuma_plugin* given, const std::string& who);

}  // namespace satsuma::plugin_host
