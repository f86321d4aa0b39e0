#include "tools/satsuma/drawing.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tools/satsuma/xml.hpp"

namespace satsuma::tools {

namespace {

constexpr std::string_view kFileStyle =
    R"(text{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:12px;fill:#333}
.title{font-size:14px;font-weight:600}.small{font-size:11px;fill:#666}
.grid{stroke:#e4e4e4}.hollow{fill:#fff;stroke-width:1.4})";

std::string title_of(std::string_view hint) {
  return hint.empty() ? std::string() : fmt::format("<title>{}</title>", escaped(hint));
}

}  // namespace

void Drawing::rect(double x, double y, double width, double height, std::string_view fill,
                   std::string_view hint, double opacity) {
  if (!(width > 0)) return;
  body_ += fmt::format(R"(<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" fill="{}")", x, y, width,
                       height, fill);
  if (opacity < 1) body_ += fmt::format(R"( fill-opacity="{:.2f}")", opacity);
  body_ += fmt::format(">{}</rect>\n", title_of(hint));
}

void Drawing::circle(double x, double y, double radius, std::string_view fill, std::string_view hint,
                     bool hollow) {
  const std::string paint =
      hollow ? fmt::format(R"(class="hollow" stroke="{}")", fill) : fmt::format(R"(fill="{}")", fill);
  body_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.3g}\" {}>{}</circle>\n", x, y, radius,
                       paint, title_of(hint));
}

void Drawing::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  body_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1,
                       y1, x2, y2, css_class);
}

void Drawing::path(const std::vector<std::pair<double, double>>& points, std::string_view colour, bool dashed,
                   double opacity) {
  std::string d;
  for (const auto& [x, y] : points) d += fmt::format("{}{:.1f} {:.1f}", d.empty() ? "M" : "L", x, y);
  body_ += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}{}/>\n", d, colour,
                       dashed ? "1.4" : "2", dashed ? " stroke-dasharray=\"5 4\"" : "",
                       opacity < 1 ? fmt::format(" stroke-opacity=\"{:.2f}\"", opacity) : "");
}

void Drawing::text(double x, double y, std::string_view text, Anchor anchor, std::string_view css_class) {
  constexpr std::array<std::string_view, 3> kAnchors = {"start", "middle", "end"};
  body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                       kAnchors[static_cast<std::size_t>(anchor)],
                       css_class.empty() ? "" : fmt::format(" class=\"{}\"", css_class), escaped(text));
}

double Drawing::legend(double x, double y, double width,
                       const std::vector<std::pair<std::string_view, std::string>>& entries) {
  constexpr double kLine = 18, kCharacter = 6.6, kSquare = 11;
  double at = x, top = y;
  for (const auto& [fill, name] : entries) {
    const double wide = kSquare + 6 + kCharacter * static_cast<double>(name.size()) + 14;
    if (at > x && at + wide > x + width) {
      at = x;
      top += kLine;
    }
    rect(at, top, kSquare, kSquare, fill);
    text(at + kSquare + 6, top + kSquare - 1, name);
    at += wide;
  }
  return top - y + kLine;
}

std::string Drawing::svg(double width, double height, std::string_view label,
                         std::string_view description) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "style=\"max-width:{0:.0f}px\" "
      "role=\"img\">\n{2}{3}{4}</svg>\n",
      width, height, title_of(label),
      description.empty() ? "" : fmt::format("<desc>{}</desc>\n", escaped(description)), body_);
}

std::string Drawing::file(double width, double height, std::string_view label) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "role=\"img\" "
      "aria-label=\"{2}\">\n<style>{3}</style><rect width=\"100%\" height=\"100%\" "
      "fill=\"#fff\"/>\n{4}</svg>\n",
      width, height, escaped(label), kFileStyle, body_);
}

namespace {

/// The least of 1, 2 and 5 times a power of ten that is not below `raw`.
double round_step(double raw) {
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::vector<double> ticks_to(double most, int count) {
  if (!(most > 0)) return {0};
  const double step = round_step(most / count);
  std::vector<double> ticks;
  for (int i = 0; i * step <= most * (1 + 1e-9); ++i) ticks.push_back(i * step);
  return ticks;
}

std::vector<double> ticks_around(double low, double high, int count) {
  const double span = high - low;
  const double step = round_step(span > 0 ? span / count : std::max(std::abs(high), 1.0) / count);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::max(std::ceil(high / step - 1e-9), first + 1);
  std::vector<double> ticks;
  for (double at = first; at <= last; ++at) ticks.push_back(at * step);
  return ticks;
}

}  // namespace satsuma::tools
