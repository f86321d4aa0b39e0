#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/sat/workload.hpp"
#include "src/core/toml_text.hpp"

namespace satsuma::sat {

namespace {

constexpr std::array<std::string_view, 7> kConvolutionColumns = {
    "IFMAP height", "IFMAP width", "filter height", "filter width", "channels", "filters", "strides"};
constexpr std::array<std::string_view, 3> kProductColumns = {"M", "N", "K"};
constexpr std::int64_t kLargest = std::int64_t{1} << 31;

struct Line {
  std::string_view source;
  std::size_t number = 0;
  std::vector<std::string_view> cells;

  [[noreturn]] void refuse(const std::string& what) const {
    throw FormatError(fmt::format("{}:{}: {}", source, number, what));
  }

  std::int64_t whole(std::size_t column, std::string_view name) const {
    std::int64_t value = 0;
    const std::string_view cell = cells[column];
    const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc{} || stop != cell.data() + cell.size() || value < 1 || value > kLargest) {
      refuse(fmt::format("column {} ({}) got '{}', expected a whole number from 1 to {}", column + 1, name,
                         cell, kLargest));
    }
    return value;
  }
};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Cells between commas; the empty one behind SCALE-Sim's comma at the end of a line is left out.
std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> cells;
  for (;;) {
    const std::size_t comma = line.find(',');
    cells.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) break;
    line.remove_prefix(comma + 1);
  }
  if (cells.size() > 1 && cells.back().empty()) cells.pop_back();
  return cells;
}

/// SCALE-Sim 3 may add a column `N:M`, the sparsity of the filters.
void read_sparsity(const Line& line, std::size_t column, Layer& layer) {
  if (line.cells.size() <= column) return;
  try {
    layer.plan[Pass::ff].weight =
        OperandPlan::packed(GroupAxis::input_channels, Pattern::parse(line.cells[column]));
  } catch (const UsageError& error) {
    line.refuse(fmt::format("column {} (sparsity): {}", column + 1, error.what()));
  }
}

LayerPlan forward_only(LayerPlan layer) {
  layer.forward_only = true;
  return planned(std::move(layer), {});
}

void require_columns(const Line& line, std::size_t least, std::string_view columns) {
  if (line.cells.size() == least || line.cells.size() == least + 1) return;
  line.refuse(
      fmt::format("got {} columns, expected {} ({}) and perhaps N:M", line.cells.size(), least, columns));
}

Layer convolution(const Line& line) {
  require_columns(line, kConvolutionColumns.size() + 1,
                  "name, IFMAP height, IFMAP width, filter height, filter width, channels, filters, strides");
  std::array<std::int64_t, kConvolutionColumns.size()> v{};
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = line.whole(i + 1, kConvolutionColumns[i]);
  Layer layer;
  // SCALE-Sim rounds the number of outputs up, ceil((H - R) / stride) + 1: the input is as long as that
  // needs.
  const auto rounded = [&](std::int64_t extent, std::int64_t kernel) {
    return extent > kernel ? kernel + ceil_div(extent - kernel, v[6]) * v[6] : extent;
  };
  layer.input = {rounded(v[0], v[2]), rounded(v[1], v[3])};
  layer.plan.geometry.kernel = {v[2], v[3]};
  layer.plan.geometry.in_channels = v[4];
  layer.plan.geometry.out_channels = v[5];
  layer.plan.geometry.stride = {v[6], v[6]};
  if (line.cells[0].find("DP") != std::string_view::npos) {  // SCALE-Sim's mark of depth-wise layers
    layer.plan.geometry.groups = v[4];
    if (v[5] > kLargest / v[4]) line.refuse("got too many channels times filters");
    layer.plan.geometry.out_channels = v[4] * v[5];
  }
  layer.plan = forward_only(std::move(layer.plan));
  read_sparsity(line, v.size() + 1, layer);
  return layer;
}

Layer product(const Line& line) {
  require_columns(line, kProductColumns.size() + 1, "name, M, N, K");
  Layer layer;
  layer.input = {line.whole(1, kProductColumns[0]), 1};
  layer.plan.geometry.out_channels = line.whole(2, kProductColumns[1]);
  layer.plan.geometry.in_channels = line.whole(3, kProductColumns[2]);
  layer.plan = forward_only(std::move(layer.plan));
  read_sparsity(line, kProductColumns.size() + 1, layer);
  return layer;
}

/// True for the header of products, false for that of convolutions.
bool is_product_header(const Line& line) {
  std::vector<std::string> names;
  for (const std::string_view cell : line.cells) {
    std::string name(cell);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    names.push_back(name);
  }
  if (names.size() >= 4 && names[1] == "m" && names[2] == "n" && names[3] == "k") return true;
  if (names.size() >= 8 && names[1].starts_with("ifmap") && names[3].starts_with("filter")) return false;
  line.refuse(
      "got another header, expected SCALE-Sim's: 'Layer name, IFMAP Height, IFMAP Width, Filter Height, "
      "Filter "
      "Width, Channels, Num Filter, Strides,' or 'Layer, M, N, K,'");
}

}  // namespace

Workload parse_topology(std::string_view text, std::string_view source) {
  Workload workload;
  workload.name = std::string(source);
  std::optional<bool> products;
  Line line;
  line.source = source;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view row = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line.number;
    if (row.empty()) continue;
    line.cells = split(row);
    if (!products) {
      products = is_product_header(line);
      continue;
    }
    Layer layer = *products ? product(line) : convolution(line);
    layer.plan.name = line.cells[0].empty() ? fmt::format("layer{}", workload.layers.size()) : line.cells[0];
    try {
      check(layer);
    } catch (const Error& error) {
      line.refuse(error.what());
    }
    workload.layers.push_back(std::move(layer));
  }
  if (workload.layers.empty()) {
    throw FormatError(fmt::format("{}: got no layers, expected a header and a line a layer", source));
  }
  return workload;
}

Workload read_topology(const std::filesystem::path& path) {
  Workload workload = parse_topology(read_text(path.string(), "topology"), path.string());
  workload.name = path.stem().string();
  return workload;
}

}  // namespace satsuma::sat
