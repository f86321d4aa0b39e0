#include "src/device/fallback.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "src/core/message.hpp"

namespace satsuma {

std::string Fallback::text() const {
  std::vector<std::string_view> names;
  for (const Pass pass : {Pass::ff, Pass::bp, Pass::wu}) {
    if (passes[static_cast<std::size_t>(pass)]) names.push_back(to_string(pass));
  }
  std::string text;
  for (const Refusal& refusal : refusals) {
    text += fmt::format("{}device '{}' does not run {}: {}", text.empty() ? "" : "; ", refusal.device,
                        fmt::join(names, ", "), refusal.reason);
  }
  return runner.empty() ? text : fmt::format("{}; it runs on '{}'", text, runner);
}

void Fallback::say(std::string_view layer) {
  if (said) return;
  said = true;
  const std::string who = layers == 1 ? fmt::format("layer '{}'", layer) : fmt::format("{} layers", layers);
  satsuma::say("{}: {}", who, text());
}

}  // namespace satsuma
