#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "src/core/json.hpp"
#include "tools/satsuma/bar_chart.hpp"
#include "tools/satsuma/drawing.hpp"
#include "tools/satsuma/page.hpp"
#include "tools/satsuma/report/sections.hpp"
#include "tools/satsuma/xml.hpp"

namespace satsuma::tools {

namespace {

/// A confusion matrix: counts of images by their class (row) and what the model took them for (column).
struct Confusion {
  std::vector<std::vector<double>> counts;
  std::vector<std::string> names;

  double of_class(std::size_t row) const {
    return std::accumulate(counts[row].begin(), counts[row].end(), 0.0);
  }
};

constexpr std::size_t kWidestMatrix = 24, kMostBars = 40, kMostPairs = 20, kMostMistakes = 24;

/// Empty where the file has none, or one that is not square.
Confusion confusion_of(const Json& evaluation) {
  Confusion confusion;
  const Json& rows = value_at(evaluation, "confusion");
  if (!rows.is_array()) return confusion;
  for (const Json& row : rows) {
    if (!row.is_array() || row.size() != rows.size()) return {};
    std::vector<double> counts;
    for (const Json& count : row)
      counts.push_back(count.is_number() ? std::max(0.0, count.get<double>()) : 0);
    confusion.counts.push_back(std::move(counts));
  }
  const Json& names = value_at(evaluation, "class_names");
  for (std::size_t i = 0; i < confusion.counts.size(); ++i) {
    const bool named = names.is_array() && i < names.size() && names[i].is_string();
    confusion.names.push_back(named ? names[i].get<std::string>() : std::to_string(i));
  }
  return confusion;
}

std::string matrix(const Confusion& confusion) {
  std::string text = "<table class=\"confusion\">\n<thead><tr><th scope=\"col\">class, taken for</th>";
  for (const std::string& name : confusion.names)
    text += fmt::format("<th scope=\"col\"><span>{}</span></th>", escaped(name));
  text += "</tr></thead>\n<tbody>\n";
  for (std::size_t row = 0; row < confusion.counts.size(); ++row) {
    const double all = confusion.of_class(row);
    text += fmt::format("<tr><th scope=\"row\">{}</th>", escaped(confusion.names[row]));
    for (std::size_t column = 0; column < confusion.counts.size(); ++column) {
      const double count = confusion.counts[row][column];
      const double share = all > 0 ? count / all : 0;
      // Rights are blue, wrongs orange; a few wrongs have to be seen, too.
      const double strength = row == column ? 0.55 * share : std::min(0.75, 3 * share);
      text += count > 0 ? fmt::format("<td style=\"background:rgba({},{:.2f})\">{:g}</td>",
                                      row == column ? "0,114,178" : "230,159,0", strength, count)
                        : std::string("<td>0</td>");
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table>\n";
}

/// What is most often taken for what.
std::string pairs_table(const Confusion& confusion) {
  struct Mixed {
    std::size_t row, column;
    double count;
  };
  std::vector<Mixed> pairs;
  for (std::size_t row = 0; row < confusion.counts.size(); ++row) {
    for (std::size_t column = 0; column < confusion.counts.size(); ++column) {
      const double count = confusion.counts[row][column];
      if (row != column && count > 0) pairs.push_back({row, column, count});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Mixed& a, const Mixed& b) { return a.count > b.count; });
  if (pairs.size() > kMostPairs) pairs.resize(kMostPairs);
  std::vector<std::vector<std::string>> rows;
  for (const Mixed& pair : pairs) {
    rows.push_back({confusion.names[pair.row], confusion.names[pair.column], fmt::format("{:g}", pair.count),
                    fmt::format("{:.1f} %", 100 * pair.count / confusion.of_class(pair.row))});
  }
  return rows.empty() ? "" : table({"class", "taken for", "images", "of the class"}, rows);
}

std::string class_chart(const Confusion& confusion) {
  std::vector<std::size_t> order(confusion.counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto accuracy = [&](std::size_t row) {
    const double all = confusion.of_class(row);
    return all > 0 ? confusion.counts[row][row] / all : 0;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return accuracy(a) < accuracy(b); });
  BarChart chart;
  chart.label = "Accuracy by class, the worst first";
  chart.axis = order.size() > kMostBars ? fmt::format("accuracy of the {} worst classes", kMostBars)
                                        : "accuracy by class, the worst first";
  chart.value_text = [](double value) { return fmt::format("{:.4g} %", value); };
  if (order.size() > kMostBars) order.resize(kMostBars);
  for (const std::size_t row : order) {
    const double percent = 100 * accuracy(row);
    chart.bars.push_back({confusion.names[row],
                          {{"accuracy", percent, colour::blue}},
                          fmt::format("{:.1f} % of {:g}", percent, confusion.of_class(row))});
  }
  return chart.svg();
}

/// How often the model is right, by how sure it says it is.
std::string calibration_chart(const Json& evaluation) {
  const Json& bins = value_at(evaluation, "calibration");
  if (!bins.is_array()) return {};
  constexpr double kLeft = 56, kTop = 30, kSide = 240;
  Drawing drawing;
  const auto x = [&](double share) { return kLeft + kSide * share; };
  const auto y = [&](double share) { return kTop + kSide * (1 - share); };
  for (const int percent : {0, 25, 50, 75, 100}) {
    const double share = percent / 100.0;
    drawing.line(kLeft, y(share), kLeft + kSide, y(share), "grid");
    drawing.text(kLeft - 6, y(share) + 4, fmt::format("{} %", percent), Drawing::Anchor::end, "small");
    drawing.text(x(share), kTop + kSide + 17, fmt::format("{} %", percent), Drawing::Anchor::middle, "small");
  }
  drawing.path({{x(0), y(0)}, {x(1), y(1)}}, colour::grey, true);
  double most = 0;
  for (const Json& bin : bins) most = std::max(most, number_at(bin, "count").value_or(0));
  if (!(most > 0)) return {};
  std::vector<std::pair<double, double>> line;
  std::string description;
  for (const Json& bin : bins) {
    const auto confidence = number_at(bin, "confidence"), accuracy = number_at(bin, "accuracy");
    const double count = number_at(bin, "count").value_or(0);
    if (!confidence || !accuracy || !(count > 0)) continue;
    const std::string words =
        fmt::format("{:.1f} % sure, {:.1f} % right, {:g} images", 100 * *confidence, 100 * *accuracy, count);
    drawing.circle(x(*confidence), y(*accuracy), 3 + 5 * std::sqrt(count / most), colour::blue, words);
    line.emplace_back(x(*confidence), y(*accuracy));
    description += (description.empty() ? "" : "; ") + words;
  }
  if (line.size() > 1) drawing.path(line, colour::blue);
  std::string title = "how often right, by how sure";
  if (const auto error = number_at(evaluation, "calibration_error"); error)
    title += fmt::format("; error {:.2f} %", 100 * *error);
  drawing.text(4, 16, title, Drawing::Anchor::start, "title");
  drawing.text(kLeft + kSide / 2, kTop + kSide + 36, "the model's probability", Drawing::Anchor::middle,
               "small");
  // As wide as the other charts, so that its words are as large.
  return drawing.svg(440, kTop + kSide + 46, title, description);
}

/// An address that holds the picture itself; empty where it is none.
std::string picture_address(const std::string& base64) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  const char* const type = base64.starts_with("iVBORw0KGgo") ? "png"
                           : base64.starts_with("Qk")        ? "bmp"
                           : base64.starts_with("/9j/")      ? "jpeg"
                                                             : nullptr;
  if (!type || base64.find_first_not_of(kAlphabet) != std::string::npos) return {};
  return fmt::format("data:image/{};base64,{}", type, base64);
}

std::string class_text(const Json& value, const Confusion& confusion) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_integer()) return "?";
  const auto index = value.get<std::int64_t>();
  const bool known = index >= 0 && static_cast<std::size_t>(index) < confusion.names.size();
  return known ? confusion.names[static_cast<std::size_t>(index)] : std::to_string(index);
}

std::string gallery(const Json& mistakes, const Confusion& confusion) {
  if (!mistakes.is_array()) return {};
  std::string text;
  std::size_t count = 0;
  for (const Json& mistake : mistakes) {
    if (!mistake.is_object() || count == kMostMistakes) continue;
    ++count;
    const std::string label = class_text(value_at(mistake, "label"), confusion);
    const std::string predicted = class_text(value_at(mistake, "predicted"), confusion);
    std::string name = text_at(mistake, "file");
    if (name.empty()) name = fmt::format("image {:g}", number_at(mistake, "index").value_or(0));
    const std::string address = picture_address(text_at(mistake, "picture"));
    text += "<li><figure>";
    if (!address.empty()) {
      text += fmt::format("<img src=\"{}\" alt=\"{}: {}, taken for {}\"/>", address, escaped(name),
                          escaped(label), escaped(predicted));
    }
    text += fmt::format("<figcaption><b>{}</b>taken for <b>{}</b>", escaped(label), escaped(predicted));
    if (const auto probability = number_at(mistake, "probability"))
      text += fmt::format("{:.1f} % sure<br/>", 100 * *probability);
    text += fmt::format("<span>{}</span></figcaption></figure></li>\n", escaped(name));
  }
  return text.empty() ? text : fmt::format("<ul class=\"gallery\">\n{}</ul>\n", text);
}

std::string evaluation_of(const Run& run) {
  const Confusion confusion = confusion_of(run.evaluation);
  std::string text;
  if (const std::string set = text_at(run.evaluation, "set"); !set.empty()) {
    text += fmt::format("<p>Of the {} images, with the weights of {}.</p>\n", escaped(set),
                        escaped(text_at(run.evaluation, "weights")));
  }
  if (!confusion.counts.empty()) {
    const bool small = confusion.counts.size() <= kWidestMatrix;
    text += small
                ? "<h3>Confusion</h3>\n<p>A row is a class, a column what its images were taken for.</p>\n" +
                      wide("Confusion matrix", matrix(confusion))
                : "<h3>Most often confused</h3>\n" + wide("Classes confused", pairs_table(confusion));
    text += "<h3>Accuracy by class</h3>\n" + wide("Accuracy by class", class_chart(confusion));
  }
  if (const std::string chart = calibration_chart(run.evaluation); !chart.empty())
    text += "<h3>Calibration</h3>\n<p>On the dashed line a model is right as often as it says.</p>\n" +
            charts({chart});
  if (const std::string shown = gallery(value_at(run.evaluation, "mistakes"), confusion); !shown.empty())
    text += "<h3>Mistakes</h3>\n<p>Those of which the model is surest.</p>\n" + shown;
  return text;
}

}  // namespace

std::string evaluation_section(const std::vector<Run>& runs) {
  std::string content, without;
  for (const Run& run : runs) {
    const std::string shown = evaluation_of(run);
    if (shown.empty()) without += (without.empty() ? "" : ", ") + run.name;
    content += fold(run.name, shown, content.empty());
  }
  if (!without.empty()) {
    content += fmt::format("<p>No evaluation.json with classes: {}. It is written at the end of a run.</p>\n",
                           escaped(without));
  }
  return "<h2>Evaluation</h2>\n" + content;
}

}  // namespace satsuma::tools
