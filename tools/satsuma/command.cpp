#include "tools/satsuma/command.hpp"

#include <CLI/CLI.hpp>
#include <utility>

namespace satsuma::tools {

Option Option::required(bool is) const {
  option_->required(is);
  return *this;
}

Option Option::group(const std::string& heading) const {
  option_->group(heading);
  return *this;
}

Option Option::description(const std::string& text) const {
  option_->description(text);
  return *this;
}

Option Option::type_name(const std::string& name) const {
  option_->type_name(name);
  return *this;
}

Option Option::show_default() const {
  option_->capture_default_str();
  return *this;
}

Option Option::show_default(const std::string& text) const {
  option_->default_str(text);
  return *this;
}

Option Option::split_at_commas() const {
  option_->delimiter(',');
  return *this;
}

Option Option::repeatable() const {
  option_->expected(1)->take_all();
  return *this;
}

Option Option::last_counts() const {
  option_->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return *this;
}

Option Option::value_optional() const {
  option_->expected(0, 1);
  return *this;
}

Option Option::one_of(const std::vector<std::string>& values) const {
  option_->check(CLI::IsMember(values));
  return *this;
}

Option Option::in_range(int least, int most) const {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option Option::excludes(const Option& other) const {
  option_->excludes(other.option_);
  return *this;
}

bool Option::given() const {
  return option_->count() > 0;
}

const std::vector<std::string>& Option::typed() const {
  return option_->results();
}

Command Command::add_command(const std::string& name, const std::string& summary) const {
  return {*app_->add_subcommand(name, summary), *action_};
}

void Command::require_command() const {
  app_->require_subcommand(1);
}

void Command::footer(const std::string& text) const {
  app_->footer(text);
}

void Command::run(std::function<int()> action) const {
  // CLI11 calls a command back after those below it.
  app_->callback([command = app_, into = action_, action = std::move(action)] {
    if (command->get_subcommands().empty()) *into = action;
  });
}

Option Command::add(const std::string& names, const Value& value, const std::string& help) const {
  return Option(*std::visit([&](auto* into) { return app_->add_option(names, *into, help); }, value));
}

Option Command::add_option(const std::string& names, const std::string& help) const {
  return Option(*app_->add_option(names)->description(help));
}

Option Command::add_flag(const std::string& names, bool& value, const std::string& help) const {
  return Option(*app_->add_flag(names, value, help));
}

Option Command::add_flag(const std::string& names, const std::string& help) const {
  return Option(*app_->add_flag(names)->description(help));
}

Option Command::option(const std::string& name) const {
  return Option(*app_->get_option(name));
}

void Command::remove_option(const std::string& name) const {
  app_->remove_option(app_->get_option(name));
}

}  // namespace satsuma::tools
