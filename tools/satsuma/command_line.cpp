#include "tools/satsuma/command_line.hpp"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/train/recipe.hpp"
#include "src/core/utf8.hpp"
#include "tools/satsuma/version.hpp"

namespace satsuma::tools {

namespace {

/// The innermost subcommand that was named.
const CLI::App& named_app(const CLI::App& app) {
  const CLI::App* at = &app;
  for (auto inner = at->get_subcommands(); !inner.empty(); inner = at->get_subcommands()) at = inner.front();
  return *at;
}

/// `satsuma bench step`.
std::string full_name(const CLI::App& app) {
  const CLI::App* const parent = app.get_parent();
  return parent ? full_name(*parent) + " " + app.get_name() : app.get_name();
}

/// What the user typed and no option or subcommand took, or nothing.
std::string unexpected(const CLI::App& app) {
  std::vector<std::string> names;
  const CLI::App* found = nullptr;
  std::string typed;
  for (const CLI::App* at = &named_app(app); at; at = at->get_parent()) {
    const std::vector<std::string> rest = at->remaining();
    if (rest.empty()) continue;
    found = at;
    // What follows an unknown option may be its value: the option is the mistake to name.
    const auto option = std::find_if(rest.begin(), rest.end(),
                                     [](const auto& text) { return text.size() > 1 && text[0] == '-'; });
    typed = option == rest.end() ? rest.front() : *option;
    break;
  }
  if (!found) return "";
  if (typed[0] == '-') {
    typed = typed.substr(0, typed.find('='));
    for (const CLI::Option* option : named_app(app).get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    const std::string renamed = fmt::format(
        "--{}",
        train::renamed_setting(std::string_view(typed).substr(std::min<std::size_t>(2, typed.size()))));
    if (std::find(names.begin(), names.end(), renamed) != names.end())
      return fmt::format("unknown option '{}'; it is called '{}' now", typed, renamed);
    // `train` has a hundred, which --help explains.
    const std::string_view nearest = nearest_name(typed, {names.begin(), names.end()});
    return fmt::format("unknown option '{}'; {}see {} --help", typed,
                       nearest.empty() ? "" : fmt::format("did you mean '{}'? ", nearest),
                       full_name(named_app(app)));
  }
  for (const CLI::App* sub : found->get_subcommands({})) names.push_back(sub->get_name());
  if (!names.empty()) return unknown_name("subcommand", typed, {names.begin(), names.end()});
  return fmt::format("{} got '{}', expected no such argument; see {} --help", full_name(*found), typed,
                     full_name(*found));
}

/// CLI11's words in one line, and in ours where a value has the wrong type: only numbers can.
std::string explain(std::string words) {
  constexpr std::string_view kConversion = "Could not convert: ";
  std::replace(words.begin(), words.end(), '\n', ' ');
  const std::size_t equals = words.find(" = ");
  if (!words.starts_with(kConversion) || equals == std::string::npos) return words;
  return fmt::format("{} got '{}', expected a number",
                     words.substr(kConversion.size(), equals - kConversion.size()), words.substr(equals + 3));
}

/// Recipes and JSON hold UTF-8 alone: another name would come out of them as that of another file.
void check_utf8(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (is_utf8(argv[i])) continue;
    const std::string_view before = argv[i - 1];
    throw UsageError(
        fmt::format("{}got '{}', expected UTF-8; rename it, or call satsuma from within its folder",
                    before.starts_with("-") ? fmt::format("{} ", before) : "", shown(argv[i])));
  }
}

/// An empty word stands for nothing, an unset variable of a shell most often: refused where it would count as
/// not given. The three can so take back what a recipe file says.
void refuse_empty(const CLI::App& app) {
  constexpr std::string_view kMayBeEmpty[] = {"--data-dir", "--init", "--input"};
  for (const CLI::Option* option : app.get_options()) {
    const std::string name =
        option->get_lnames().empty() ? option->get_name() : "--" + option->get_lnames().front();
    const auto& typed = option->results();
    if (std::find(typed.begin(), typed.end(), "") == typed.end()) continue;
    if (option->get_expected_min() == 0) continue;  // no value is a value there
    if (std::find(std::begin(kMayBeEmpty), std::end(kMayBeEmpty), name) != std::end(kMayBeEmpty)) continue;
    throw UsageError(fmt::format("{} got nothing, expected a value; see {} --help", name, full_name(app)));
  }
}

}  // namespace

CommandLine::CommandLine(const std::string& name, const std::string& summary)
    : app_(std::make_unique<CLI::App>(summary, name)) {
  app_->require_subcommand(1);
  app_->set_version_flag("--version", version_text, "version, instruction set, devices and libraries");
  app_->get_formatter()->column_width(36);
  app_->footer(
      "Example: satsuma train --model resnet9 --data fashion-mnist --method bdwp --nm 2:8\n"
      "Each subcommand has a --help of its own.");
}

CommandLine::~CommandLine() = default;

/// False where help or the version was asked for, which is printed then.
bool CommandLine::parse(int argc, char** argv) {
  check_utf8(argc, argv);
  try {
    app_->parse(argc, argv);
    refuse_empty(named_app(*app_));
    return true;
  } catch (const CLI::CallForHelp&) {
    const CLI::App& named = named_app(*app_);
    fmt::print("{}", named.help(named.get_parent() ? full_name(*named.get_parent()) : ""));
  } catch (const CLI::CallForAllHelp&) {
    fmt::print("{}", app_->help("", CLI::AppFormatMode::All));
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
  } catch (const CLI::ParseError& error) {
    const std::string better = unexpected(*app_);
    throw UsageError(!better.empty() ? better
                                     : fmt::format("{}; see {} --help", explain(error.what()),
                                                   full_name(named_app(*app_))));
  }
  return false;
}

int CommandLine::run(int argc, char** argv) {
  return parse(argc, argv) ? action_() : 0;
}

}  // namespace satsuma::tools
