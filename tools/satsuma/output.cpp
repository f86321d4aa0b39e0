#include "tools/satsuma/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace satsuma::tools {

std::string to_text(const Json& object) {
  return json_text(object, 2) + '\n';
}

void print_json(const Json& object) {
  fmt::print("{}", to_text(object));
}

Table::Table(std::vector<std::string> heading, std::vector<Align> columns)
    : columns_(std::move(columns)), rows_{std::move(heading)} {}

void Table::add(std::vector<std::string> row) {
  rows_.push_back(std::move(row));
}

void Table::print() const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      line += columns_[i] == Align::left ? fmt::format("{:<{}}", row[i], widths[i])
                                         : fmt::format("{:>{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string short_count(double count) {
  for (const char* unit : {"", " k", " M", " G", " T"}) {
    if (count < 999.5)
      return fmt::format("{:.{}f}{}", count,
                         *unit == '\0' || count >= 99.95 ? 0
                         : count >= 9.995                ? 1
                                                         : 2,
                         unit);
    count /= 1000;
  }
  return fmt::format("{:.0f} P", count);
}

std::string short_bytes(std::size_t bytes) {
  const double kib = static_cast<double>(bytes) / 1024;
  if (kib < 1024) return fmt::format("{:.0f} KiB", kib);
  if (kib < 1024 * 1024) return fmt::format("{:.0f} MiB", kib / 1024);
  return fmt::format("{:.1f} GiB", kib / 1024 / 1024);
}

}  // namespace satsuma::tools
