#pragma once

#include "satsuma/sat/report.hpp"

namespace satsuma::sat {

/// A step of `workload` under a method (report.hpp).
Run make_run(const Workload& workload, std::string_view method, Pattern pattern, Pattern wu,
             const Config& config, const SchedulerOptions& options);

/// All combinations of the values of `request.sweep`.
Sweep run_sweep(const ReportRequest& request, const SweepProgress& progress);

}  // namespace satsuma::sat
