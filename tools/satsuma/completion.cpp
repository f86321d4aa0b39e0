#include "tools/satsuma/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "tools/satsuma/command_table.hpp"

namespace satsuma::tools {

namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

/// In single quotes, for bash and zsh.
std::string sh_quoted(const std::string& text) {
  return "'" + replaced(text, "'", "'\\''") + "'";
}

std::string fish_quoted(const std::string& text) {
  return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
}

/// Words that may follow a command: of its options, its subcommands and its positional arguments.
std::vector<std::string> words_after(const CommandRow& command) {
  std::vector<std::string> words;
  for (const CommandRow& sub : command.subcommands) words.push_back(sub.name);
  for (const OptionRow& option : command.options) {
    const auto& more = option.positional ? option.words : option.names;
    words.insert(words.end(), more.begin(), more.end());
  }
  return words;
}

/// `'satsuma train' | 'satsuma bench step'`: the commands that a word on the line can lead to.
std::string all_paths(const std::vector<const CommandRow*>& commands, const char* between) {
  std::vector<std::string> paths;
  for (const CommandRow* command : commands) paths.push_back(sh_quoted(command->path));
  return fmt::format("{}", fmt::join(paths, between));
}

std::string bash(const CommandRow& top) {
  const std::vector<const CommandRow*> commands = all_commands(top);
  std::string text = fmt::format(R"(# Completion of satsuma for bash, made by `satsuma completion bash`.
_satsuma() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} at=satsuma words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at ${{COMP_WORDS[i]}}" in
      {}) at+=" ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$at" in
)",
                                 all_paths(commands, " | "));
  for (const CommandRow* command : commands) {
    text += fmt::format("    {})\n      words={}\n      case \"$prev\" in\n", sh_quoted(command->path),
                        sh_quoted(fmt::format("{}", fmt::join(words_after(*command), " "))));
    for (const OptionRow& option : command->options) {
      if (option.positional || option.value.empty()) continue;
      text += fmt::format("        {}) words={} ;;\n", fmt::join(option.names, " | "),
                          sh_quoted(fmt::format("{}", fmt::join(option.words, " "))));
    }
    text += "      esac\n      ;;\n";
  }
  return text + R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _satsuma satsuma
)";
}

/// One argument of zsh's _arguments.
std::string zsh_argument(const OptionRow& option) {
  const auto escaped = [](const std::string& text) {
    std::string result = replaced(text, "\\", "\\\\");
    for (const char* const special : {"[", "]", ":", "(", ")"}) {
      result = replaced(result, special, std::string("\\") + special);
    }
    return result;
  };
  const std::string action =
      option.words.empty() ? "_files" : fmt::format("({})", fmt::join(option.words, " "));
  std::string lines;
  if (option.positional) {
    return fmt::format("        {} \\\n",
                       sh_quoted(fmt::format("*:{}:{}", escaped(option.names[0]), action)));
  }
  for (const std::string& name : option.names) {
    const std::string value =
        option.value.empty() ? "" : fmt::format(":{}:{}", escaped(option.value), action);
    lines += fmt::format("        {} \\\n",
                         sh_quoted(fmt::format("*{}[{}]{}", name, escaped(option.description), value)));
  }
  return lines;
}

std::string zsh(const CommandRow& top) {
  const std::vector<const CommandRow*> commands = all_commands(top);
  std::string text = fmt::format(R"(#compdef satsuma
# Completion of satsuma for zsh, made by `satsuma completion zsh`.
_satsuma() {{
  local at=satsuma i depth=0
  local -a subcommands
  for ((i = 2; i < CURRENT; i++)); do
    case "$at ${{words[i]}}" in
      ({}) at+=" ${{words[i]}}"; (( depth = i - 1 )) ;;
    esac
  done
  # _arguments counts what follows the command's name, so that subcommands become part of that.
  words=("$at" "${{(@)words[depth + 2, -1]}}")
  (( CURRENT -= depth ))
  case "$at" in
)",
                                 all_paths(commands, "|"));
  for (const CommandRow* command : commands) {
    text += fmt::format("    ({})\n", sh_quoted(command->path));
    if (!command->subcommands.empty()) {
      text += "      subcommands=(";
      for (const CommandRow& sub : command->subcommands) {
        text += fmt::format("{} ", sh_quoted(sub.name + ":" + replaced(sub.summary, ":", "\\:")));
      }
      text += ")\n      _describe -t commands subcommand subcommands\n";
    }
    text += "      _arguments \\\n";
    std::string rest;  // zsh has one rule for all that is no option
    for (const OptionRow& option : command->options) {
      (option.positional ? rest = zsh_argument(option) : text += zsh_argument(option));
    }
    text += rest;
    text += "        && return\n      ;;\n";
  }
  return text + "  esac\n}\n_satsuma \"$@\"\n";
}

std::string fish(const CommandRow& top) {
  const std::vector<const CommandRow*> commands = all_commands(top);
  std::string text = fmt::format(R"(# Completion of satsuma for fish, made by `satsuma completion fish`.
function __satsuma_at
    set -l at satsuma
    for word in (commandline -opc)[2..-1]
        contains -- "$at $word" {} && set at "$at $word"
    end
    test "$at" = "$argv[1]"
end
)",
                                 all_paths(commands, " "));
  for (const CommandRow* command : commands) {
    const std::string here =
        fmt::format("complete -c satsuma -n {}", fish_quoted("__satsuma_at '" + command->path + "'"));
    for (const CommandRow& sub : command->subcommands)
      text += fmt::format("{} -f -a {} -d {}\n", here, sub.name, fish_quoted(sub.summary));
    for (const OptionRow& option : command->options) {
      std::string line = here;
      for (const std::string& name : option.names) {
        if (!option.positional) line += name[1] == '-' ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (!option.words.empty()) {
        line += fmt::format(" -x -a {}", fish_quoted(fmt::format("{}", fmt::join(option.words, " "))));
      } else if (!option.value.empty() && !option.positional) {
        line += " -r";
      }
      text += fmt::format("{} -d {}\n", line, fish_quoted(option.description));
    }
  }
  return text;
}

int print_completion(const Command& program, const std::string& shell) {
  using Shell = std::pair<std::string_view, std::string (*)(const CommandRow&)>;
  constexpr Shell kShells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  const auto script = find_named("shell", shell, kShells, &Shell::first).second;
  fmt::print("{}", script(command_table(program)));
  return 0;
}

}  // namespace

void add_completion(const Command& program) {
  const auto shell = std::make_shared<std::string>();
  const Command command =
      program.add_command("completion", "Print what makes a shell complete this command line");
  command.add_option("SHELL", *shell, "bash, zsh or fish").required();
  command.footer(
      "An installed package has them in place. By hand, in bash, zsh and fish:\n"
      "  source <(satsuma completion bash)\n"
      "  satsuma completion zsh > ~/.zfunc/_satsuma    (with fpath+=~/.zfunc before compinit)\n"
      "Example: satsuma completion fish > ~/.config/fish/completions/satsuma.fish");
  command.run([program, shell] { return print_completion(program, *shell); });
}

}  // namespace satsuma::tools
