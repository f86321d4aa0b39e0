#include <filesystem>

#include "satsuma/core/error.hpp"
#include "satsuma/core/no_storage.hpp"
#include "satsuma/sat/report.hpp"
#include "satsuma/train/experiment.hpp"
#include "src/core/json.hpp"
#include "tools/satsuma/compare/results.hpp"
#include "tools/satsuma/simulate/workload.hpp"

namespace satsuma::tools::compare {

std::optional<Simulated> simulate_training(const train::Recipe& recipe, const Json& result) {
  if (!result.contains("input") || !result.contains("classes") || !result.contains("steps")) return {};
  try {
    train::Recipe planned = recipe;
    // Which patterns a budget has given is in the run's own recipe.
    if (recipe.budget_macs) planned = train::read_recipe(std::filesystem::path(recipe.out) / "config.toml");
    // Its time is modelled from the plan; who trained does not matter.
    planned.device = "cpu";
    planned.place.clear();
    const NoStorage shapes_only;
    const Shape input(result["input"].get<std::vector<std::int64_t>>());
    const auto model = train::make_model(planned, input, result["classes"].get<std::int64_t>());
    sat::ReportRequest request;
    request.workload = workload_of(*model, recipe.model, input, recipe.batch_size);
    const sat::Report report = sat::make_report(request);
    const sat::Counts step = report.run.timing.total();
    const auto steps = result["steps"].get<double>();
    return Simulated{steps * report.run.config.seconds(step.cycles), steps * step.energy.total()};
  } catch (const Error&) {
    return {};
  } catch (const Json::exception&) {
    return {};
  }
}

}  // namespace satsuma::tools::compare
