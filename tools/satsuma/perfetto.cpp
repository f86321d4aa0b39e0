#include "tools/satsuma/perfetto.hpp"

#include "src/core/json.hpp"

namespace satsuma::tools {

Json trace_process(std::string_view name) {
  return {{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"args", {{"name", name}}}};
}

Json trace_lane(int row, std::string_view name) {
  return {{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", row}, {"args", {{"name", name}}}};
}

std::string trace_text(const Json& events) {
  const Json trace = {{"displayTimeUnit", "ms"}, {"traceEvents", events}};
  return json_text(trace) + "\n";
}

}  // namespace satsuma::tools
