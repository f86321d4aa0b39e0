#include "tools/satsuma/svg_plot.hpp"

#include <fmt/format.h>

#include <cmath>

#include "tools/satsuma/xml.hpp"

namespace satsuma::tools {

namespace {

constexpr double kTop = 74, kBottom = 380, kHeight = 460, kPanelWidth = 380, kPanelStep = 460, kLeft = 64;

constexpr const char* kStyle =
    R"(text{font-family:system-ui,"DejaVu Sans",sans-serif;font-size:12px;fill:#333}
.h{font-size:14px;font-weight:600}.grid{stroke:#e4e4e4}.axis{stroke:#888}.small{font-size:10px;fill:#666}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}.dashed{fill:none;stroke-width:1.4;stroke-dasharray:5 4})";

double left_of_panel(int number) {
  return kLeft + kPanelStep * (number - 1);
}

}  // namespace

double SvgPlot::x(double value) const {
  const double share = std::log(value / axes_.x_low) / std::log(axes_.x_high / axes_.x_low);
  return left_of_panel(panels_) + kPanelWidth * share;
}

double SvgPlot::y(double value) const {
  return kBottom - (kBottom - kTop) * std::log(value / axes_.y_low) / std::log(axes_.y_high / axes_.y_low);
}

void SvgPlot::panel(Axes axes) {
  axes_ = std::move(axes);
  ++panels_;
  const double left = left_of_panel(panels_);
  const double right = left + kPanelWidth;
  legend_x_ = left;
  body_ += fmt::format(
      "<clipPath id=\"p{}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n"
      "<text x=\"{}\" y=\"{}\" class=\"h\">{}</text>\n",
      panels_, left, kTop, kPanelWidth, kBottom - kTop, left, kTop - 14, escaped(axes_.title));
  for (const auto& [value, text] : axes_.y_ticks) {
    body_ += fmt::format(
        "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" "
        "text-anchor=\"end\">{}</text>\n",
        left, y(value), right, left - 8, y(value) + 4, escaped(text));
  }
  for (const auto& [value, text] : axes_.x_ticks) {
    body_ += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", x(value),
                         kBottom + 18, escaped(text));
  }
  body_ += fmt::format(
      "<path class=\"axis\" d=\"M{} {}H{}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
      left, kBottom, right, (left + right) / 2, kBottom + 38, escaped(axes_.x_name));
}

void SvgPlot::line(const std::vector<Point>& points, const std::string& colour, bool dashed) {
  std::string path;
  for (const auto& [at_x, at_y] : points) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(at_x), y(at_y));
  }
  body_ += fmt::format("<path class=\"{}\" clip-path=\"url(#p{})\" stroke=\"{}\" d=\"{}\"/>\n",
                       dashed ? "dashed" : "line", panels_, colour, path);
}

void SvgPlot::mark(Point at, const std::string& colour, Mark mark, const std::string& hint) {
  const std::string paint = mark == Mark::dot
                                ? fmt::format("fill=\"{}\"", colour)
                                : fmt::format("fill=\"#fff\" stroke=\"{}\" stroke-width=\"1.4\"", colour);
  body_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" {}><title>{}</title></circle>\n",
                       x(at.first), y(at.second), paint, escaped(hint));
}

void SvgPlot::label(Point at, const std::string& text, bool left_of) {
  body_ += fmt::format("<text class=\"small\" x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n",
                       x(at.first) + (left_of ? -6 : 6), y(at.second) - 6,
                       left_of ? " text-anchor=\"end\"" : "", escaped(text));
}

void SvgPlot::legend(const std::string& colour, const std::string& text) {
  body_ += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"14\" height=\"4\" fill=\"{}\"/><text x=\"{}\" y=\"{}\">{}</text>\n",
      legend_x_, kHeight - 22, colour, legend_x_ + 20, kHeight - 16, escaped(text));
  legend_x_ += 36 + 7 * static_cast<double>(text.size());
}

std::string SvgPlot::svg() const {
  const double width = left_of_panel(panels_) + kPanelWidth + 40;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" role=\"img\" "
      "aria-label=\"{2}\">\n<style>{3}</style><rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n"
      "<text x=\"{4}\" y=\"28\" class=\"h\">{2}</text>\n{5}</svg>\n",
      width, kHeight, escaped(title_), kStyle, kLeft, body_);
}

std::vector<std::pair<double, std::string>> SvgPlot::powers(double base, double low, double high) {
  std::vector<std::pair<double, std::string>> ticks;
  const auto first = static_cast<int>(std::ceil(std::log(low) / std::log(base) - 1e-9));
  for (int i = first; std::pow(base, i) <= high * (1 + 1e-9); ++i) {
    const double value = std::pow(base, i);
    ticks.emplace_back(value, fmt::format("{:g}", value));
  }
  return ticks;
}

}  // namespace satsuma::tools
