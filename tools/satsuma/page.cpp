#include "tools/satsuma/page.hpp"

#include <fmt/core.h>

#include "tools/satsuma/xml.hpp"

namespace satsuma::tools {

namespace {

constexpr const char* kStyle = R"(
:root{--text:#24292f;--soft:#57606a;--line:#d8dee4;--back:#fff;--card:#f6f8fa;--link:#0969da}
@media (prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9da7b3;--line:#30363d;--back:#0d1117;--card:#161b22;--link:#58a6ff}
[fill="#0072b2"]{fill:#3b9ddb}[stroke="#0072b2"]{stroke:#3b9ddb}}
body{margin:0 auto;padding:1.5rem;max-width:62rem;background:var(--back);color:var(--text);
font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .4rem}p{margin:.3rem 0;color:var(--soft)}
.figures{display:flex;flex-wrap:wrap;gap:.7rem;margin:1rem 0}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.5rem .9rem}
.figures b{display:block;font-size:1.25rem;color:var(--text)}.figures span{color:var(--soft);font-size:.85rem}
svg{width:100%;min-width:34rem;height:auto;display:block}svg text{fill:var(--text);font-size:12px}svg .small{font-size:11px;fill:var(--soft)}
svg .title{font-size:13px;font-weight:600}
.grid{stroke:var(--line)}.hollow{fill:var(--back);stroke-width:1.8}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}
td,th{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th[scope=row]{font-weight:400}
td:first-child,th:first-child,.text{text-align:left}td.text{white-space:normal}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
@media print{body{max-width:none}h2{break-after:avoid}svg{break-inside:avoid}}
)";

}  // namespace

std::string document(const Document& document) {
  const std::string refresh =
      document.refresh_seconds > 0
          ? fmt::format("<meta http-equiv=\"refresh\" content=\"{}\"/>", document.refresh_seconds)
          : "";
  return fmt::format(
      "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head><meta "
      "charset=\"utf-8\"/><meta name=\"color-scheme\" content=\"light dark\"/>{}"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><title>{}</title>\n"
      "<style>{}{}</style></head>\n<body>\n{}</body>\n</html>\n",
      refresh, escaped(document.title), kStyle, document.style, document.body);
}

std::string section(std::string_view title, std::string_view text, const std::string& content) {
  if (content.empty()) return {};
  // Reached by the keyboard, which scrolls it then.
  return fmt::format(
      "<h2>{0}</h2>\n<p>{1}</p>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"{0}\">{2}</div>\n",
      escaped(title), escaped(text), content);
}

std::string figure(std::string_view value, std::string_view name) {
  return fmt::format("<div><b>{}</b><span>{}</span></div>\n", escaped(value), escaped(name));
}

std::string table(const std::vector<std::string>& heading,
                  const std::vector<std::vector<std::string>>& rows) {
  std::string text = "<table>\n<thead><tr>";
  for (const std::string& cell : heading) text += fmt::format("<th scope=\"col\">{}</th>", escaped(cell));
  text += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    text += "<tr>";
    std::string_view tag = "th scope=\"row\"";
    for (const std::string& cell : row) {
      text += fmt::format("<{}>{}</{}>", tag, escaped(cell), tag.substr(0, 2));
      tag = "td";
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table>\n";
}

}  // namespace satsuma::tools
