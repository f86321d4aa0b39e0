#include "tools/satsuma/simulate/workload.hpp"

#include <fmt/core.h>

#include <charconv>
#include <vector>

#include "satsuma/core/error.hpp"
#include "tools/satsuma/layers.hpp"

namespace satsuma::tools {

sat::Workload workload_of(nn::Module& model, const std::string& name, const Shape& input,
                          std::int64_t batch) {
  sat::Workload workload{name, {}};
  for (const Layer& traced : trace_layers(model, input)) {
    workload.layers.push_back({traced.contraction->plan(), {traced.input[1], traced.input[2]}, batch});
  }
  return workload;
}

sat::Workload workload_of(const ModelSettings& settings, std::int64_t batch) {
  return workload_of(*settings.create_shapes(), settings.model, settings.options().input, batch);
}

sat::Workload gemm_workload(std::string_view text) {
  std::vector<std::int64_t> extents;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (extents.size() < 3) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || value < 1) break;
    extents.push_back(value);
    at = stop;
    if (at == end || *at != ',') break;
    ++at;
  }
  if (extents.size() != 3 || at != end) {
    throw UsageError(fmt::format(
        "--gemm got '{}', expected M,K,N: output channels, reduction and pixels, each at least 1", text));
  }
  return {fmt::format("gemm {}x{}x{}", extents[0], extents[1], extents[2]),
          {sat::gemm_layer("gemm", extents[0], extents[1], extents[2])}};
}

}  // namespace satsuma::tools
