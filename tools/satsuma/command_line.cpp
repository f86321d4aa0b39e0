#include "tools/satsuma/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/train/recipe.hpp"

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
    return unknown_name("option", typed, {names.begin(), names.end()}) +
           fmt::format("; see {} --help", full_name(named_app(app)));
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

}  // namespace

void set_up(CLI::App& app) {
  app.require_subcommand(1);
  app.set_version_flag("--version", "satsuma " SATSUMA_VERSION);
  app.get_formatter()->column_width(36);
  app.footer(
      "Example: satsuma train --model resnet9 --data fashion-mnist --method bdwp --nm 2:8\n"
      "Each subcommand has a --help of its own.");
}

bool parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::CallForHelp&) {
    const CLI::App& named = named_app(app);
    fmt::print("{}", named.help(named.get_parent() ? full_name(*named.get_parent()) : ""));
  } catch (const CLI::CallForAllHelp&) {
    fmt::print("{}", app.help("", CLI::AppFormatMode::All));
  } catch (const CLI::CallForVersion& version) {
    fmt::print("{}\n", version.what());
  } catch (const CLI::ParseError& error) {
    const std::string better = unexpected(app);
    throw UsageError(
        !better.empty() ? better
                        : fmt::format("{}; see {} --help", explain(error.what()), full_name(named_app(app))));
  }
  return false;
}

}  // namespace satsuma::tools
