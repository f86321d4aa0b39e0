#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "satsuma/nn/module.hpp"
#include "satsuma/sat/workload.hpp"
#include "tools/satsuma/model_settings.hpp"

namespace satsuma::tools {

/// The convolutions and linear layers of a training step of `model` on `batch` images, as they are planned.
sat::Workload workload_of(nn::Module& model, const std::string& name, const Shape& input, std::int64_t batch);
/// The same of a model that is described; dense.
sat::Workload workload_of(const ModelSettings& settings, std::int64_t batch);

/// `M,K,N`: M output channels, K reduction, N pixels; forward only. Throws UsageError.
sat::Workload gemm_workload(std::string_view text);

}  // namespace satsuma::tools
