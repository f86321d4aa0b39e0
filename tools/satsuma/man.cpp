#include "tools/satsuma/man.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tools/satsuma/command_table.hpp"

namespace satsuma::tools {

namespace {

/// Text as roff prints it: hyphens stay hyphens that can be copied, and no line is taken for a request.
std::string escaped(std::string_view text) {
  std::string result;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) result += "\\&";
    at_start = c == '\n';
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
  }
  return result;
}

std::string option_text(const OptionRow& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back("\\fB" + escaped(name) + "\\fR");
  std::string text = fmt::format(".TP\n{}", fmt::join(names, ", "));
  if (!option.value.empty() && !option.positional) text += " \\fI" + escaped(option.value) + "\\fR";
  text += "\n" + escaped(option.description);
  const std::string& said = option.description;
  const bool known = std::all_of(option.words.begin(), option.words.end(), [&](const std::string& word) {
    return said.find(word) != std::string::npos;
  });
  if (!known) text += escaped(fmt::format(": {}", fmt::join(option.words, ", ")));
  if (!option.default_value.empty()) text += escaped(fmt::format(" [{}]", option.default_value));
  return text + "\n";
}

std::string command_text(const CommandRow& command) {
  std::string text = fmt::format(".SS {}\n{}\n", escaped(command.path), escaped(command.summary));
  for (const OptionRow& option : command.options) text += option_text(option);
  // Footers are laid out by hand.
  if (!command.footer.empty()) text += fmt::format(".PP\n.nf\n{}\n.fi\n", escaped(command.footer));
  return text;
}

struct Entry {
  const char* name;
  const char* what;
};

std::string list_text(const char* heading, const std::vector<Entry>& entries) {
  std::string text = fmt::format(".SH {}\n", heading);
  for (const Entry& entry : entries)
    text += fmt::format(".TP\n\\fB{}\\fR\n{}\n", escaped(entry.name), escaped(entry.what));
  return text;
}

std::string page(const CommandRow& top) {
  std::string text = ".\\\" Made by `satsuma man`.\n.TH SATSUMA 1 \"\" \"satsuma " SATSUMA_VERSION
                     "\" \"User Commands\"\n.SH NAME\nsatsuma \\- N:M sparse training of deep networks\n";
  text +=
      ".SH SYNOPSIS\n\\fBsatsuma\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.br\n\\fBsatsuma\\fR "
      "\\fICOMMAND\\fR \\fB\\-\\-help\\fR\n";
  text += fmt::format(".SH DESCRIPTION\n{}\n.SH COMMANDS\n", escaped(top.summary));
  for (const CommandRow* command : all_commands(top)) text += command_text(*command);
  text += list_text("EXIT STATUS", {{"0", "All went well."},
                                    {"1", "Something failed; one line on standard error says what."},
                                    {"2", "Wrong use: an option, a name or a value that cannot be meant."},
                                    {"128+N", "Stopped by signal N; a training run can be resumed."}});
  text += list_text(
      "ENVIRONMENT",
      {{"SATSUMA_ISA", "Kernels of this instruction set: plain, avx2, avx512, avx512_bf16 or amx."},
       {"SATSUMA_TUNE", "off: products of bf16 by the CPU's instruction, without measuring whether it pays."},
       {"SATSUMA_DATA", "A folder with a folder for each data set, looked in first."},
       {"SATSUMA_PLUGIN_PATH", "Shared objects with devices, or folders of such, separated by colons."},
       {"OMP_NUM_THREADS", "Most threads, where --threads is not given."}});
  return text +
         list_text("FILES",
                   {{SATSUMA_DATA_DIR "/recipes", "Recipes, for satsuma train --config NAME."},
                    {SATSUMA_DATA_DIR "/configs", "Accelerators, for satsuma simulate --config NAME."}});
}

}  // namespace

void add_man(const Command& program) {
  const Command command = program.add_command("man", "Print the manual page, satsuma(1)");
  command.footer("Example: satsuma man | man -l -");
  command.run([program] {
    fmt::print("{}", page(command_table(program)));
    return 0;
  });
}

}  // namespace satsuma::tools
