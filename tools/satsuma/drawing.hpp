#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satsuma::tools {

/// Colours that people with any colour vision tell apart (Okabe and Ito, 2008).
namespace colour {
inline constexpr std::string_view blue = "#0072b2", orange = "#e69f00", green = "#009e73", red = "#d55e00",
                                  purple = "#cc79a7", sky = "#56b4e9", grey = "#8a8f98";
}

/// A picture as SVG, whose classes `grid`, `hollow`, `small` and `title` have their style from a page or from
/// the file.
class Drawing {
 public:
  enum class Anchor { start, middle, end };

  /// `hint` of a mark is shown when the pointer rests on it.
  void rect(double x, double y, double width, double height, std::string_view fill,
            std::string_view hint = {}, double opacity = 1);
  void circle(double x, double y, double radius, std::string_view fill, std::string_view hint = {},
              bool hollow = false);
  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  void path(const std::vector<std::pair<double, double>>& points, std::string_view colour,
            bool dashed = false, double opacity = 1);
  void text(double x, double y, std::string_view text, Anchor anchor = Anchor::start,
            std::string_view css_class = {});
  /// Coloured squares with names, from (x, y) to the right, in lines no wider than `width`; returns the
  /// height.
  double legend(double x, double y, double width,
                const std::vector<std::pair<std::string_view, std::string>>& entries);

  /// The picture inside of a page, with which it shrinks; `label` and what there is to say of it are for
  /// people who do not see it.
  std::string svg(double width, double height, std::string_view label,
                  std::string_view description = {}) const;
  /// The picture as a file that needs nothing else, on white.
  std::string file(double width, double height, std::string_view label) const;

 private:
  std::string body_;
};

/// Round values from 0 to at most `most`, about `count` of them.
std::vector<double> ticks_to(double most, int count = 5);
/// Round values, the first at most `low`, the last at least `high`, about `count` of them.
std::vector<double> ticks_around(double low, double high, int count = 5);

}  // namespace satsuma::tools
