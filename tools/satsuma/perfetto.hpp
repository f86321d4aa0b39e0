#pragma once

#include <string>
#include <string_view>

#include "src/core/json_fwd.hpp"

namespace satsuma::tools {

// The JSON trace format that Perfetto (https://ui.perfetto.dev) and Chrome read.

/// Names what the whole trace is of.
Json trace_process(std::string_view name);
/// Names a row of it.
Json trace_lane(int row, std::string_view name);
/// The file.
std::string trace_text(const Json& events);

}  // namespace satsuma::tools
