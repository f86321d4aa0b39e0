#pragma once

#include "satsuma/sat/report.hpp"

namespace satsuma::sat {

/// A step of the request's workload under a method (report.hpp).
Run make_run(const ReportRequest& request, std::string_view method, Pattern pattern, const Config& config,
             const SchedulerOptions& options);

/// All combinations of the values of `request.sweep`.
Sweep run_sweep(const ReportRequest& request, const SweepProgress& progress);

}  // namespace satsuma::sat
