#pragma once

#include <string>
#include <vector>

#include "tools/satsuma/report/run.hpp"

namespace satsuma::tools {

/// Training runs, one or several beside each other, as one HTML page that needs nothing else: pictures and
/// tables, light and dark, no scripts. Also well-formed XML. `refresh_seconds` as in Document.
std::string report_page(const std::vector<Run>& runs, int refresh_seconds = 0);

}  // namespace satsuma::tools
