#pragma once

#include <string>

#include "satsuma/sat/report.hpp"

namespace satsuma::tools {

// The pictures of a simulation's page, each as SVG text; empty where the report has nothing to show.

/// How much faster the run is than each method compared.
std::string speedup_chart(const sat::Report& report);
/// Cycles of each layer by pass, what it waits for, and its utilisation.
std::string layers_chart(const sat::Report& report);
/// Speed of each layer and pass against operations by byte, below the roofs of array and DRAM.
std::string roofline_chart(const sat::Report& report);
/// Bytes to and from DRAM by operand, for each pass.
std::string traffic_chart(const sat::Report& report);
/// Joules by component, for the run and the methods compared.
std::string energy_chart(const sat::Report& report);
/// Which engine works when in a step.
std::string timeline_chart(const sat::Report& report);
/// Cycles without each technique.
std::string ablation_chart(const sat::Report& report);
/// Images a second against joules an image for every point of a sweep, and the Pareto front.
std::string sweep_chart(const sat::Report& report);

}  // namespace satsuma::tools
