#include "tools/satsuma/bench_figures.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <optional>

#include "satsuma/core/error.hpp"
#include "src/core/cannot_read.hpp"
#include "src/core/nesting.hpp"
#include "tools/satsuma/file_text.hpp"

namespace satsuma::tools {

namespace {

void add_entry(Figures& figures, std::string name, double time, const Json& quartiles) {
  const double low = quartiles.at(0).get<double>();
  const double high = quartiles.at(1).get<double>();
  if (!(time > 0) || !std::isfinite(time) || !(low > 0 && low <= high) || !std::isfinite(high)) {
    throw FormatError(
        fmt::format("{}: '{}' has a time of {} with quartiles {} and {}, expected positive "
                    "numbers; measure it anew",
                    figures.path, name, time, low, high));
  }
  const auto same = [&](const Figure& entry) { return entry.name == name; };
  if (std::any_of(figures.entries.begin(), figures.entries.end(), same)) return;
  figures.entries.push_back({std::move(name), time, (high - low) / 2 / time});
}

Figures figures_of(const Json& object, const std::string& path) {
  Figures figures = {path, object.at("bench").get<std::string>(), "", object.at("machine"), {}};
  if (!figures.machine.is_object()) throw FormatError(path + " is no bench result: 'machine' is no object");
  figures.work = fmt::format("{} {} width {}, batch {}, {}", shown_value(object.at("model")),
                             shown_value(object.at("input")), shown_value(object.at("width")),
                             shown_value(object.at("batch_size")), shown_value(object.at("device")));
  if (figures.bench == "step") {
    figures.work += ", " + shown_value(object.at("nm"));
    for (const Json& row : object.at("results")) {
      const Json device = row.value("device", object.at("device"));
      const std::string on = device == object.at("device") ? "" : " on " + shown_value(device);
      add_entry(figures,
                fmt::format("{} {}{}", shown_value(row.at("method")), shown_value(row.at("precision")), on),
                row.at("seconds_median").get<double>(), row.at("seconds_quartiles"));
    }
  } else if (figures.bench == "kernels") {
    figures.work += ", " + shown_value(object.at("method"));
    for (const Json& row : object.at("layers")) {
      const std::string name =
          fmt::format("{} {}", shown_value(row.at("layer")), shown_value(row.at("pass")));
      const Json& dense = row.at("own_dense_time");
      add_entry(figures, name + " dense", dense.at("median").get<double>(), dense.at("quartiles"));
      if (!row.at("pruned").get<bool>()) continue;
      const Json& nm = row.at("nm_time");
      add_entry(figures, name + " " + shown_value(row.at("nm")), nm.at("median").get<double>(),
                nm.at("quartiles"));
    }
  } else {
    throw FormatError(fmt::format("{} is of bench '{}', expected step or kernels", path, figures.bench));
  }
  return figures;
}

}  // namespace

std::string shown_value(const Json& value) {
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

Figures parse_figures(std::string_view text, const std::string& path) {
  constexpr std::string_view kExpected =
      "expected what satsuma bench step --json or bench kernels --json prints";
  if (nests_too_deep(text)) throw FormatError(fmt::format("{} nests too deep, {}", path, kExpected));
  try {
    return figures_of(Json::parse(text), path);
  } catch (const Json::parse_error& error) {
    throw FormatError(fmt::format("{} is no JSON from byte {} on, {}", path, error.byte, kExpected));
  } catch (const Json::exception& error) {
    // "[json.exception.out_of_range.403] key 'x' not found": the words without the number.
    const std::string words = error.what();
    const std::size_t bracket = words.find("] ");
    throw FormatError(fmt::format("{} is no bench result ({}), {}", path,
                                  bracket == std::string::npos ? words : words.substr(bracket + 2),
                                  kExpected));
  }
}

Figures read_figures(const std::string& path) {
  const std::optional<std::string> text = text_of(path);
  if (!text) throw cannot_read(path, ENOENT);
  return parse_figures(*text, path);
}

}  // namespace satsuma::tools
