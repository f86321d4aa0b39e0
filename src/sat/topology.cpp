#include <fmt/core.h>

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

// Names, in lower case; the layer's name stands before them.
constexpr std::array<std::string_view, 7> kConvolutionColumns = {
    "ifmap height", "ifmap width", "filter height", "filter width", "channels", "filters", "stride height"};
constexpr std::array<std::string_view, 3> kProductColumns = {"m", "n", "k"};
constexpr std::int64_t kLargest = std::int64_t{1} << 31;

/// What may follow the columns that every file has.
enum class Extra { none, stride_width, sparsity, batch, foreign };

struct Header {
  bool products = false;
  char delimiter = ',';
  std::vector<Extra> extra;  ///< none where the header leaves the name out

  std::size_t least() const { return 1 + (products ? kProductColumns.size() : kConvolutionColumns.size()); }
};

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

/// Without blanks around it, the no-break spaces of word processors among them.
std::string_view trimmed(std::string_view text) {
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view blank : {" ", "\t", "\r", "\xC2\xA0"}) {
      if (text.starts_with(blank)) text.remove_prefix(blank.size()), more = true;
      if (text.ends_with(blank)) text.remove_suffix(blank.size()), more = true;
    }
  }
  return text;
}

/// The cells of a row but for empty ones at its end, which SCALE-Sim and spreadsheets leave there, and for a
/// remark that begins with #; none for a row of delimiters and blanks.
std::vector<std::string_view> split(std::string_view row, char delimiter) {
  std::vector<std::string_view> cells;
  row = row.substr(0, row.find('#'));
  for (;;) {
    const std::size_t end = row.find(delimiter);
    cells.push_back(trimmed(row.substr(0, end)));
    if (end == std::string_view::npos) break;
    row.remove_prefix(end + 1);
  }
  while (!cells.empty() && cells.back().empty()) cells.pop_back();
  return cells;
}

/// A column `N:M` is the sparsity of the filters, as SCALE-Sim 3 writes it.
void read_sparsity(const Line& line, std::size_t column, Layer& layer) {
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

/// What the cell in `column` is: what the header says, else what it looks like. A pattern is one anywhere.
Extra kind_of(const Line& line, const Header& header, std::size_t column) {
  const std::size_t at = column - header.least();
  const Extra named = at < header.extra.size() ? header.extra[at] : Extra::none;
  if (named == Extra::foreign) return named;
  if (line.cells[column].find(':') != std::string_view::npos) return Extra::sparsity;
  if (named != Extra::none) return named;
  if (at == 0 && !header.products) return Extra::stride_width;
  line.refuse(
      fmt::format("column {} got '{}', expected no such column, or N:M", column + 1, line.cells[column]));
}

/// Reads the columns behind those that every file has.
void read_extra(const Line& line, const Header& header, Layer& layer) {
  for (std::size_t column = header.least(); column < line.cells.size(); ++column) {
    if (line.cells[column].empty()) continue;
    switch (kind_of(line, header, column)) {
      case Extra::stride_width:
        layer.plan.geometry.stride[1] = line.whole(column, "stride width");
        break;
      case Extra::sparsity:
        read_sparsity(line, column, layer);
        break;
      case Extra::batch:
        layer.batch = line.whole(column, "batch size");
        break;
      default:
        break;
    }
  }
}

Layer convolution(const Line& line, const Header& header) {
  std::array<std::int64_t, kConvolutionColumns.size()> v{};
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = line.whole(i + 1, kConvolutionColumns[i]);
  Layer layer;
  layer.plan = forward_only({});
  layer.plan.geometry.stride = {v[6], v[6]};
  read_extra(line, header, layer);
  // SCALE-Sim rounds the number of outputs up, ceil((H - R) / stride) + 1: the input is as long as that
  // needs.
  const auto rounded = [](std::int64_t extent, std::int64_t kernel, std::int64_t stride) {
    return extent > kernel ? kernel + ceil_div(extent - kernel, stride) * stride : extent;
  };
  layer.input = {rounded(v[0], v[2], layer.plan.geometry.stride[0]),
                 rounded(v[1], v[3], layer.plan.geometry.stride[1])};
  layer.plan.geometry.kernel = {v[2], v[3]};
  layer.plan.geometry.in_channels = v[4];
  layer.plan.geometry.out_channels = v[5];
  if (line.cells[0].find("DP") != std::string_view::npos) {  // SCALE-Sim's mark of depth-wise layers
    layer.plan.geometry.groups = v[4];
    if (v[5] > kLargest / v[4]) line.refuse("got too many channels times filters");
    layer.plan.geometry.out_channels = v[4] * v[5];
  }
  return layer;
}

Layer product(const Line& line, const Header& header) {
  Layer layer;
  layer.plan = forward_only({});
  layer.input = {line.whole(1, "M"), 1};
  layer.plan.geometry.out_channels = line.whole(2, "N");
  layer.plan.geometry.in_channels = line.whole(3, "K");
  read_extra(line, header, layer);
  return layer;
}

Layer layer_of(const Line& line, const Header& header) {
  if (line.cells.size() < header.least()) {
    line.refuse(fmt::format(
        "got {} columns, expected at least {} (name, {})", line.cells.size(), header.least(),
        header.products
            ? "M, N, K"
            : "IFMAP height, IFMAP width, filter height, filter width, channels, filters, strides"));
  }
  return header.products ? product(line, header) : convolution(line, header);
}

/// In lower case, `_` as a blank.
std::string plain_name(std::string_view cell) {
  std::string name(cell);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return name;
}

Extra extra_column(const std::string& name) {
  if (name.empty()) return Extra::none;
  if (name.starts_with("stride")) return Extra::stride_width;
  if (name.starts_with("spars") || name == "n:m") return Extra::sparsity;
  if (name.starts_with("batch")) return Extra::batch;
  return Extra::foreign;
}

Header read_header(Line& line, std::string_view row) {
  Header header;
  for (const char delimiter : {',', ';', '\t'}) {
    header.delimiter = delimiter;
    if (row.find(delimiter) != std::string_view::npos) break;
  }
  line.cells = split(row, header.delimiter);
  std::vector<std::string> names;
  for (const std::string_view cell : line.cells) names.push_back(plain_name(cell));
  header.products = names.size() >= 4 && names[1] == "m" && names[2] == "n" && names[3] == "k";
  if (!header.products &&
      (names.size() < 8 || !names[1].starts_with("ifmap") || !names[3].starts_with("filter"))) {
    line.refuse(
        "got another header, expected SCALE-Sim's: 'Layer name, IFMAP Height, IFMAP Width, Filter Height, "
        "Filter Width, Channels, Num Filter, Strides,' (or 'Stride height, Stride width,') or 'Layer, M, N, "
        "K,', with 'Sparsity,' behind it where there is one");
  }
  for (std::size_t i = header.least(); i < names.size(); ++i) header.extra.push_back(extra_column(names[i]));
  return header;
}

/// Takes the next row off `text`; it ends as on any system.
std::string_view take_row(std::string_view& text) {
  const std::size_t end = text.find_first_of("\r\n");
  const std::string_view row = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos   ? text.size()
                     : text.substr(end, 2) == "\r\n" ? end + 2
                                                     : end + 1);
  return row;
}

}  // namespace

Workload parse_topology(std::string_view text, std::string_view source) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Workload workload;
  workload.name = std::string(source);
  std::optional<Header> header;
  Line line;
  line.source = source;
  while (!text.empty()) {
    const std::string_view row = take_row(text);
    ++line.number;
    line.cells = split(row, header ? header->delimiter : ',');
    if (line.cells.empty()) continue;
    if (!header) {
      header = read_header(line, row);
      continue;
    }
    // SCALE-Sim's collections have headings between their networks.
    if (line.cells.size() == 1 && std::count(row.begin(), row.end(), header->delimiter) <= 1) continue;
    Layer layer = layer_of(line, *header);
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
