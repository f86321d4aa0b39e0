#include "satsuma/data/csv.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/data/decode.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::data {

namespace {

constexpr std::int64_t kMostClasses = 1 << 16;

[[noreturn]] void refuse(std::string_view source, std::size_t line, std::string_view what) {
  throw FormatError(fmt::format("{}: line {}: {}", shown_path(source), line, what));
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view source) : text_(text), source_(source) {
    if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
  }

  std::vector<CsvRow> parse() {
    std::vector<CsvRow> rows;
    while (!text_.empty()) {
      CsvRow row{{}, line_};
      do row.fields.push_back(next_field());
      while (take(','));
      end_line();
      if (row.fields.size() > 1 || !row.fields.front().empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void end_line() {
    if (text_.empty()) return;
    take('\r');
    if (!text_.empty() && !take('\n'))
      refuse(source_, line_, "text follows a closing quote, expected a comma");
    ++line_;
  }

  std::string next_field() {
    if (take('"')) return quoted();
    std::size_t end = std::min(text_.find_first_of(",\n"), text_.size());
    std::string field(text_.substr(0, end));
    text_.remove_prefix(end);
    if (field.ends_with('\r') && !text_.starts_with(',')) field.pop_back();
    if (field.find('"') != std::string::npos) {
      refuse(source_, line_, "a quote within a field that does not begin with one");
    }
    if (field.find('\0') != std::string::npos) refuse(source_, line_, "a zero byte, expected text");
    return field;
  }

  std::string quoted() {
    const std::size_t first = line_;
    std::string field;
    for (;;) {
      const std::size_t quote = text_.find('"');
      if (quote == std::string_view::npos) refuse(source_, first, "a quote that is not closed");
      field += text_.substr(0, quote);
      text_.remove_prefix(quote + 1);
      if (!take('"')) break;
      field += '"';
    }
    line_ += static_cast<std::size_t>(std::count(field.begin(), field.end(), '\n'));
    if (field.find('\0') != std::string::npos) refuse(source_, first, "a zero byte, expected text");
    return field;
  }

  std::string_view text_;
  std::string_view source_;
  std::size_t line_ = 1;
};

std::optional<std::size_t> column(const CsvRow& row, std::span<const std::string_view> names) {
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    std::string name = row.fields[i];
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (std::find(names.begin(), names.end(), name) != names.end()) return i;
  }
  return std::nullopt;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Numbers as they are, names in the order of bytes.
void number_classes(const std::vector<CsvRow>& rows, std::size_t column, std::string_view source,
                    ClassFolders& list) {
  const bool numbers =
      std::all_of(rows.begin(), rows.end(), [&](const CsvRow& row) { return is_number(row.fields[column]); });
  std::map<std::string_view, std::int64_t> names;
  std::int64_t classes = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& label = rows[i].fields[column];
    if (!numbers) {
      names.emplace(label, 0);
      continue;
    }
    std::int64_t value = 0;
    const auto end = label.data() + label.size();
    if (std::from_chars(label.data(), end, value).ec != std::errc() || value >= kMostClasses) {
      refuse(source, rows[i].line, fmt::format("label {}, expected 0 to {}", shown(label), kMostClasses - 1));
    }
    list.files[i].label = value;
    classes = std::max(classes, value + 1);
  }
  for (std::int64_t i = 0; i < classes; ++i) list.class_names.push_back(std::to_string(i));
  if (numbers) return;
  for (auto& [name, number] : names) {
    number = static_cast<std::int64_t>(list.class_names.size());
    list.class_names.emplace_back(name);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) list.files[i].label = names[rows[i].fields[column]];
}

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, std::string_view source) {
  return Parser(text, source).parse();
}

ClassFolders parse_picture_list(std::string_view text, std::string_view source) {
  constexpr std::array<std::string_view, 7> kPathNames = {"path",  "file",     "filename",  "file_name",
                                                          "image", "filepath", "image_path"};
  constexpr std::array<std::string_view, 4> kLabelNames = {"label", "class", "class_name", "label_name"};
  std::vector<CsvRow> rows = parse_csv(text, source);
  if (rows.empty()) refuse(source, 1, "no lines, expected path,label in each");
  const auto path_named = column(rows.front(), kPathNames);
  const auto label_named = column(rows.front(), kLabelNames);
  const bool has_names = path_named && label_named;
  const std::size_t path_column = has_names ? *path_named : 0;
  const std::size_t label_column = has_names ? *label_named : 1;
  if (has_names) rows.erase(rows.begin());
  if (rows.empty()) refuse(source, 1, "names of columns only, expected path,label in the lines that follow");
  const std::size_t least = std::max(path_column, label_column) + 1;
  ClassFolders list;
  for (const CsvRow& row : rows) {
    if (row.fields.size() < least) {
      refuse(source, row.line, fmt::format("{} columns, expected path,label", row.fields.size()));
    }
    if (row.fields[path_column].empty()) refuse(source, row.line, "an empty path");
    if (row.fields[label_column].empty()) refuse(source, row.line, "an empty label");
    list.files.push_back({row.fields[path_column], 0});
  }
  number_classes(rows, label_column, source, list);
  if (list.class_names.size() < 2) {
    refuse(source, rows.front().line,
           fmt::format("one class only, '{}', expected at least two", shown(list.class_names.front())));
  }
  return list;
}

ClassFolders read_picture_list(const std::filesystem::path& path) {
  std::vector<std::uint8_t> bytes;
  read_file(path, bytes);
  return parse_picture_list({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
}

}  // namespace satsuma::data
