#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "satsuma/sat/workload.hpp"
#include "tools/satsuma/model_settings.hpp"

namespace satsuma::tools {

/// The convolutions and linear layers of a training step on `batch` images, dense.
sat::Workload workload_of(const ModelSettings& settings, std::int64_t batch);

/// `M,K,N`: M output channels, K reduction, N pixels; forward only. Throws UsageError.
sat::Workload gemm_workload(std::string_view text);

}  // namespace satsuma::tools
