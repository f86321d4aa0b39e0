#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace satsuma::tools {

// Pages in HTML that need nothing else: pictures and tables, light and dark, no scripts. Also well-formed
// XML.

struct Document {
  std::string title;
  std::string body;
  std::string style = {};   ///< more rules, after those of all pages
  int refresh_seconds = 0;  ///< the page is asked for anew after so long; 0: never
};

/// The whole file.
std::string document(const Document& document);

/// Heading, a sentence, and what is shown, which scrolls sideways where the window is narrower; nothing where
/// there is no `content`.
std::string section(std::string_view title, std::string_view text, const std::string& content);

/// A large value with its name, for a `<div class="figures">`.
std::string figure(std::string_view value, std::string_view name);

/// A table of text: a heading for each column, and the first cell of each row is the row's.
std::string table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows);

}  // namespace satsuma::tools
