#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tools/satsuma/report/run.hpp"

namespace satsuma::tools {

// The parts of the page that `satsuma report` writes, each empty where no run has what it shows.

/// Loss, accuracy and learning rate of all runs, over steps, epochs, time and operations.
std::string curves_section(const std::vector<Run>& runs);
/// Where the time of a step goes.
std::string time_section(const std::vector<Run>& runs);
/// N:M and operations, layer by layer.
std::string layers_section(const std::vector<Run>& runs);
/// How many kept positions change from epoch to epoch.
std::string masks_section(const std::vector<Run>& runs);
/// Confusion, accuracy by class, calibration, mistakes.
std::string evaluation_section(const std::vector<Run>& runs);
/// Settings that differ between runs; of a single one, those that differ from what there is without a flag.
std::string settings_section(const std::vector<Run>& runs);
/// Machines, threads and versions.
std::string environment_section(const std::vector<Run>& runs);

/// The colour of a run in every picture.
std::string_view colour_of_run(std::size_t index);
/// Runs beyond the colours are told apart by their dashes.
bool dashed_run(std::size_t index);
/// Colours and names of the runs; empty for a single one.
std::string legend_of_runs(const std::vector<Run>& runs);

/// A part for a single run among several, which can be folded away.
std::string fold(std::string_view summary, const std::string& content, bool open);
/// Pictures side by side where there is room.
std::string charts(const std::vector<std::string>& pictures);
/// What scrolls sideways where the window is narrower; `label` says what it is.
std::string wide(std::string_view label, const std::string& content);

}  // namespace satsuma::tools
