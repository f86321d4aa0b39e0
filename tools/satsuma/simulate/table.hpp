#pragma once

#include "satsuma/sat/report.hpp"

namespace satsuma::tools {

/// Prints a simulation for people: layers, totals by pass, comparisons, ablations, sweep, assumptions.
/// `all_values` lists every value of the configuration instead of the assumed ones' names.
void print_table(const sat::Report& report, bool all_values);

}  // namespace satsuma::tools
