#pragma once

#include <string>

#include "tools/satsuma/compare/results.hpp"

namespace satsuma::tools::compare {

/// compare.html: tables and pictures, one file that needs nothing else.
std::string html_page(const Results& results, const std::string& title);

/// Accuracy against seconds of training: a dot and a bar of one deviation for each row, the frontier drawn.
/// As a file, for documents.
std::string accuracy_picture(const Results& results);

}  // namespace satsuma::tools::compare
