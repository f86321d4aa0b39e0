#include "tools/satsuma/report/report_page.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "satsuma/train/progress.hpp"
#include "tools/satsuma/page.hpp"
#include "tools/satsuma/report/sections.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/xml.hpp"

namespace satsuma::tools {

namespace {

constexpr const char* kStyle = R"(
*{box-sizing:border-box}body{padding:1.5rem 1rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}a{color:var(--link)}
.note{border-left:3px solid #d55e00;padding:.1rem .7rem;margin:.5rem 0}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;margin:.4rem 0;font-size:.9rem}
.swatch{display:inline-block;width:1.5rem;min-width:0;height:.75rem;margin-right:.4rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem}
.charts svg{min-width:0;max-width:34rem!important}
.tabs{border:0;padding:0;margin:.6rem 0;min-width:0}.tabs legend{float:left;padding:.2rem .6rem .2rem 0;color:var(--soft);font-size:.9rem}
.tabs input{position:absolute;opacity:0}
.tabs label{display:inline-block;padding:.2rem .8rem;margin:0 .2rem .6rem 0;border:1px solid var(--line);border-radius:1rem;cursor:pointer;font-size:.9rem}
.tabs input:checked+label{background:var(--text);color:var(--back);border-color:var(--text)}
.tabs input:focus-visible+label{outline:2px solid var(--link);outline-offset:2px}
.panel{display:none}
#axis-step:checked~.panel-step,#axis-epoch:checked~.panel-epoch,#axis-time:checked~.panel-time,#axis-macs:checked~.panel-macs{display:block}
details{margin:.5rem 0}summary{cursor:pointer;color:var(--link);padding:.15rem 0}
.confusion{font-variant-numeric:tabular-nums}.confusion td{text-align:center}
.confusion thead th span{writing-mode:vertical-rl;max-height:8rem;overflow:hidden}
.confusion thead th{vertical-align:bottom;text-align:center}.confusion thead th:first-child{text-align:left}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));gap:.7rem;list-style:none;padding:0}
.gallery figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.5rem;font-size:.85rem;overflow-wrap:anywhere}
.gallery img{display:block;width:100%;height:7rem;object-fit:contain;image-rendering:pixelated;margin-bottom:.4rem;background:var(--back)}
.gallery b{display:block}.gallery span{color:var(--soft)}
@media (max-width:40rem){body{padding:1rem .7rem}.figures div{padding:.35rem .6rem}.figures b{font-size:1.05rem}}
@media print{.skip,.tabs input,.tabs label{display:none}}
)";

std::string percent(std::optional<double> share) {
  return share ? fmt::format("{:.2f} %", 100 * *share) : "-";
}

/// A number of the last line that has it.
std::optional<double> latest(const Run& run, std::string_view key) {
  for (const auto* const points : {&run.epochs, &run.intervals}) {
    for (auto point = points->rbegin(); point != points->rend(); ++point) {
      if (const auto value = point->value(key)) return value;
    }
  }
  return std::nullopt;
}

std::optional<double> test_accuracy(const Run& run) {
  if (run.test) return run.test->value("test_accuracy");
  // Earlier versions looked at the test images after every epoch.
  return run.held_out() == "test" ? latest(run, "test_accuracy") : std::nullopt;
}

std::optional<double> furthest(const Run& run, std::optional<double> RunPoint::*place) {
  std::optional<double> most;
  for (const auto* const points : {&run.epochs, &run.intervals}) {
    if (points->empty()) continue;
    const std::optional<double> last = points->back().*place;
    if (last && (!most || *last > *most)) most = last;
  }
  return most;
}

std::optional<double> saved(const Run& run) {
  const auto macs = latest(run, "macs"), dense = latest(run, "dense_macs");
  return macs && dense && *dense > 0 ? std::optional(1 - *macs / *dense) : std::nullopt;
}

std::string method_of(const Run& run) {
  const std::string method = run.setting("method");
  return method == "dense" || method.empty() ? method : fmt::format("{} {}", method, run.setting("nm"));
}

std::string time_text(const Run& run) {
  const auto seconds = furthest(run, &RunPoint::seconds);
  return seconds ? train::format_duration(*seconds) : "-";
}

std::string speed_text(const Run& run) {
  const auto speed = latest(run, "images_per_second");
  return speed ? fmt::format("{:.0f}", *speed) : "-";
}

std::string macs_text(const Run& run) {
  const auto macs = furthest(run, &RunPoint::macs);
  return macs ? short_count(*macs) : "-";
}

/// The main figures of a single run.
std::string figures_of(const Run& run) {
  std::string text = "<div class=\"figures\">\n";
  if (run.held_out() == "val") text += figure(percent(run.best_accuracy()), "best validation accuracy");
  text += figure(percent(test_accuracy(run)), "test accuracy");
  text += figure(time_text(run), "of training");
  text += figure(speed_text(run), "images/s");
  text += figure(macs_text(run), "multiply-adds");
  if (const auto share = saved(run); share && *share > 0)
    text += figure(fmt::format("{:.1f} %", 100 * *share), "saved against dense");
  return text + "</div>\n";
}

std::string runs_table(const std::vector<Run>& runs) {
  std::vector<std::string> heading = {"run",           "model", "data",     "method",        "state",
                                      "test accuracy", "time",  "images/s", "multiply-adds", "saved"};
  const bool validates =
      std::any_of(runs.begin(), runs.end(), [](const Run& run) { return run.held_out() == "val"; });
  if (validates) heading.emplace_back("best validation accuracy");
  std::vector<std::vector<std::string>> rows;
  for (const Run& run : runs) {
    rows.push_back({run.name, run.setting("model"), run.setting("data"), method_of(run), run.state_text,
                    percent(test_accuracy(run)), time_text(run), speed_text(run), macs_text(run),
                    percent(saved(run))});
    if (validates) rows.back().push_back(run.held_out() == "val" ? percent(run.best_accuracy()) : "-");
  }
  return table(heading, rows);
}

std::string notes_of(const std::vector<Run>& runs) {
  std::string text;
  for (const Run& run : runs) {
    for (const std::string& note : run.notes) {
      text += fmt::format("<p class=\"note\">{}{}</p>\n", runs.size() > 1 ? escaped(run.name) + ": " : "",
                          escaped(note));
    }
  }
  return text;
}

}  // namespace

std::string report_page(const std::vector<Run>& runs, int refresh_seconds) {
  const Run& first = runs.front();
  std::string title = first.name;
  if (runs.size() > 1) title = fmt::format("{} training runs", runs.size());
  std::string body = "<a class=\"skip\" href=\"#main\">Skip to the curves</a>\n";
  body += fmt::format("<header><h1>{}</h1>\n", escaped(title));
  if (runs.size() == 1) {
    body += fmt::format("<p>{} on {}, {}; {}.</p>\n", escaped(first.setting("model")),
                        escaped(first.setting("data")), escaped(method_of(first)), escaped(first.state_text));
    body += figures_of(first);
  } else {
    body += wide("Runs", runs_table(runs));
  }
  body += notes_of(runs) + "</header>\n<main id=\"main\" tabindex=\"-1\">\n";
  body += curves_section(runs);
  body += time_section(runs);
  body += layers_section(runs);
  body += masks_section(runs);
  body += evaluation_section(runs);
  body += settings_section(runs);
  body += environment_section(runs);
  body += "</main>\n";
  return document({.title = title, .body = body, .style = kStyle, .refresh_seconds = refresh_seconds});
}

}  // namespace satsuma::tools
