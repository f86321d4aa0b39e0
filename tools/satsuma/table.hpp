#pragma once

#include <string>
#include <vector>

namespace satsuma::tools {

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

}  // namespace satsuma::tools
