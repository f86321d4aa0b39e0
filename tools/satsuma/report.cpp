#include "tools/satsuma/report.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/message.hpp"
#include "tools/satsuma/report/report_page.hpp"

namespace satsuma::tools {

namespace {

struct Settings {
  std::vector<std::string> runs;
  std::string out;
};

/// Runs in folders of one name are told apart by the folder above.
void tell_apart(std::vector<Run>& runs) {
  std::vector<std::string> names;
  for (const Run& run : runs) names.push_back(run.name);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (std::size_t j = 0; j < runs.size(); ++j) {
      if (i != j && names[i] == names[j]) runs[i].name = runs[i].path.string();
    }
  }
}

int run_report(const Settings& settings) {
  std::vector<Run> runs;
  for (const std::string& path : settings.runs) runs.push_back(read_run(path));
  tell_apart(runs);
  for (const Run& run : runs) {
    for (const std::string& note : run.notes) say("note: {}: {}", run.path.string(), note);
  }
  const std::filesystem::path out =
      settings.out.empty() ? runs.front().path / "report.html" : std::filesystem::path(settings.out);
  train::write_atomically(out, report_page(runs));
  for (const Run& run : runs) fmt::print("{}: {}\n", run.name, run.state_text);
  fmt::print("written to {}\n", out.string());
  return 0;
}

}  // namespace

void add_report(const Command& program) {
  const auto settings = std::make_shared<Settings>();
  const Command command =
      program.add_command("report", "Write a page that shows training runs, beside each other");
  command.add_option("RUN", settings->runs, "run directory, or several").required();
  command.add_option("--out", settings->out, "HTML file [report.html in the first run]");
  command.footer(
      "One file with all pictures in it, for any browser, without scripts. A run may still be under way.\n"
      "Example: satsuma report runs/first runs/first-dense --out both.html");
  command.run([settings] { return run_report(*settings); });
}

}  // namespace satsuma::tools
