#include "tools/satsuma/proposal.hpp"

namespace satsuma::tools {

namespace fs = std::filesystem;

namespace {

/// `runs/a` of `runs/./a/`.
fs::path tidy(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

}  // namespace

std::string shell_quoted(const fs::path& path) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/+:@%";
  const std::string& plain = path.native();
  if (!plain.empty() && plain.find_first_not_of(kPlain) == std::string::npos) return plain;
  std::string text = "'";
  for (const char c : plain) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

fs::path beside(const fs::path& path, std::string_view suffix) {
  fs::path whole = tidy(path);
  // The name of the folder that these stand for.
  if (whole == "." || whole.filename() == "..") whole = tidy(fs::absolute(whole));
  return whole += suffix;
}

}  // namespace satsuma::tools
