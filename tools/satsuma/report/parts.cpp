#include <fmt/core.h>

#include <array>

#include "tools/satsuma/drawing.hpp"
#include "tools/satsuma/report/sections.hpp"
#include "tools/satsuma/xml.hpp"

namespace satsuma::tools {

namespace {

constexpr std::array kColours = {colour::blue, colour::orange, colour::green,
                                 colour::red,  colour::purple, colour::sky};

}  // namespace

std::string_view colour_of_run(std::size_t index) {
  return kColours[index % kColours.size()];
}

bool dashed_run(std::size_t index) {
  return index >= kColours.size();
}

std::string legend_of_runs(const std::vector<Run>& runs) {
  if (runs.size() < 2) return {};
  std::string text = "<ul class=\"legend\">\n";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    text += fmt::format(
        "<li><svg class=\"swatch\" viewBox=\"0 0 24 12\" aria-hidden=\"true\"><path d=\"M0 6H24\" "
        "fill=\"none\" stroke=\"{}\" stroke-width=\"4\"{}/></svg>{}</li>\n",
        colour_of_run(i), dashed_run(i) ? " stroke-dasharray=\"5 4\"" : "", escaped(runs[i].name));
  }
  return text + "</ul>\n";
}

std::string fold(std::string_view summary, const std::string& content, bool open) {
  if (content.empty()) return {};
  return fmt::format("<details{}><summary>{}</summary>\n{}</details>\n", open ? " open=\"open\"" : "",
                     escaped(summary), content);
}

std::string charts(const std::vector<std::string>& pictures) {
  std::string text;
  for (const std::string& picture : pictures) text += picture;
  return text.empty() ? text : fmt::format("<div class=\"charts\">\n{}</div>\n", text);
}

std::string wide(std::string_view label, const std::string& content) {
  if (content.empty()) return {};
  return fmt::format("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>\n",
                     escaped(label), content);
}

}  // namespace satsuma::tools
