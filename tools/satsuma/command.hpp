#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// The parser is CLI11, whose header takes as long to compile as a whole file of ours: command.cpp,
// command_line.cpp and command_table.cpp include it, and nothing else does.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace satsuma::tools {

/// An option, a flag or a positional argument of a command. A handle: copies are the same option.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option required(bool is = true) const;
  /// Heading of --help that it stands under; "" hides it.
  Option group(const std::string& heading) const;
  Option description(const std::string& text) const;
  /// What --help calls the value: FILE.
  Option type_name(const std::string& name) const;
  /// --help shows what the variable holds now.
  Option show_default() const;
  Option show_default(const std::string& text) const;

  /// `a,b` are two values.
  Option split_at_commas() const;
  /// Each time it is given it takes one value more, and never the word after that.
  Option repeatable() const;
  /// Of several times that it is given the last one counts.
  Option last_counts() const;
  /// It may stand without a value.
  Option value_optional() const;

  Option one_of(const std::vector<std::string>& values) const;
  Option in_range(int least, int most) const;
  Option excludes(const Option& other) const;

  bool given() const;
  /// The values as they were typed.
  const std::vector<std::string>& typed() const;

 private:
  CLI::Option* option_;
};

/// A command of the program, or the program itself. A handle: copies are the same command.
class Command {
 public:
  /// `action` is where run() of the command that was named leaves what to do.
  Command(CLI::App& app, std::function<int()>& action) : app_(&app), action_(&action) {}

  /// `bench step`, below `bench`.
  Command add_command(const std::string& name, const std::string& summary) const;
  /// The program cannot run without one of those.
  void require_command() const;
  /// What --help ends with.
  void footer(const std::string& text) const;
  /// What to do where this command was named, and none below it; the result is the exit status.
  void run(std::function<int()> action) const;

  /// `names` is `-o,--out`, or NAME for a positional argument. What is typed goes to `value`, which has to
  /// outlive parsing and is the default.
  template <typename T>
  Option add_option(const std::string& names, T& value, const std::string& help) const {
    return add(names, &value, help);
  }
  /// Its values are kept as they were typed.
  Option add_option(const std::string& names, const std::string& help) const;
  Option add_flag(const std::string& names, bool& value, const std::string& help) const;
  Option add_flag(const std::string& names, const std::string& help) const;
  /// One that is there already: `--nm`.
  Option option(const std::string& name) const;
  void remove_option(const std::string& name) const;

  CLI::App& app() const { return *app_; }

 private:
  using Value =
      std::variant<std::string*, int*, std::int64_t*, std::uint64_t*, double*, std::optional<std::int64_t>*,
                   std::vector<std::string>*, std::vector<std::int64_t>*>;

  Option add(const std::string& names, const Value& value, const std::string& help) const;

  CLI::App* app_;
  std::function<int()>* action_;
};

}  // namespace satsuma::tools
