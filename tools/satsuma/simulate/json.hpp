#pragma once

#include <string>

#include "satsuma/sat/report.hpp"
#include "src/core/json_fwd.hpp"

namespace satsuma::tools {

/// A simulation as one JSON object: totals, a record for each layer and pass, comparisons, sweep.
Json to_json(const sat::Report& report);

/// A row for each layer and pass; with a sweep a row for each of its points.
std::string to_csv(const sat::Report& report);

}  // namespace satsuma::tools
