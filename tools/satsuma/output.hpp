#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/core/json.hpp"

namespace satsuma::tools {

/// One JSON object as it is written, with a line end.
std::string to_text(const Json& object);

/// Writes one JSON object to standard output.
void print_json(const Json& object);

/// Rows of text whose columns are aligned when printed: the first to the left, the others as asked.
class Table {
 public:
  enum class Align { left, right };

  Table(std::vector<std::string> heading, std::vector<Align> columns);
  void add(std::vector<std::string> row);
  /// Writes to standard output, two spaces between columns and none at the ends of lines.
  void print() const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// A value of a CSV line, quoted where a separator or a quote would break the line.
std::string csv_cell(std::string_view text);

/// A count with three digits: `987`, `1.23 k`, `45.6 M`, `1.81 G`.
std::string short_count(double count);
/// `512 KiB`, `1.4 GiB`.
std::string short_bytes(std::size_t bytes);

}  // namespace satsuma::tools
