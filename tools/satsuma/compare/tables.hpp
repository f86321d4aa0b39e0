#pragma once

#include <string>
#include <vector>

#include "src/core/json_fwd.hpp"
#include "tools/satsuma/compare/results.hpp"

namespace satsuma::tools::compare {

/// The columns of the table, and a line of text for each row.
std::vector<std::string> heading();
std::vector<std::vector<std::string>> cells(const Results& results);
/// What the times to the target are, a sentence.
std::string target_text(const Results& results);

/// compare.md, compare.csv and compare.json.
std::string to_markdown(const Results& results, const std::string& title);
std::string to_csv(const Results& results);
Json to_json(const Results& results);

}  // namespace satsuma::tools::compare
