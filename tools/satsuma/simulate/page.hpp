#pragma once

#include <string>

#include "satsuma/sat/report.hpp"

namespace satsuma::tools {

/// A simulation as one HTML page that needs nothing else: pictures and tables, light and dark, no scripts.
/// Also well-formed XML.
std::string html_page(const sat::Report& report);

/// The step in the JSON trace format that Perfetto (https://ui.perfetto.dev) and Chrome read: a row for each
/// engine, an event for each layer and pass; timestamps in microseconds of the accelerator's time.
std::string perfetto_trace(const sat::Report& report);

}  // namespace satsuma::tools
