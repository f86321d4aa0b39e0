#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/data/class_folders.hpp"

namespace satsuma::data {

/// A record of a CSV file and the line that it begins in, from 1.
struct CsvRow {
  std::vector<std::string> fields;
  std::size_t line = 1;
};

/// Splits comma-separated values (RFC 4180): fields in double quotes may hold commas, line ends and doubled
/// quotes, lines end in LF or CRLF, a byte order mark is passed over, empty lines are left out. Throws
/// FormatError, naming `source` and the line.
std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source);

/// Pictures that a CSV file lists: path (absolute, or from the file's own directory) and label, the first two
/// columns or, where the first line has names that say so (path, file, filename, image; label, class), those.
/// Labels that are all numbers are the classes 0 to the largest; otherwise they are names, numbered in the
/// order of their bytes. Nothing is decoded. Throws IoError and FormatError, naming file and line.
ClassFolders read_picture_list(const std::filesystem::path& path);
/// The same, of what a file holds.
ClassFolders parse_picture_list(std::string_view text, std::string_view source);

}  // namespace satsuma::data
