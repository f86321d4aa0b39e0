#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "satsuma/core/thread_limit.hpp"

namespace satsuma {

namespace {

namespace fs = std::filesystem;

enum class Version { one, two };

/// A mounted hierarchy of control groups that may limit CPU time.
struct Mount {
  Version version;
  std::string group;  ///< that the mount shows at its top
  std::string point;
};

std::vector<std::string> words(const std::string& line, char separator) {
  std::vector<std::string> result;
  std::istringstream stream(line);
  for (std::string word; std::getline(stream, word, separator);) result.push_back(word);
  return result;
}

bool lists_cpu(const std::string& names) {
  const std::vector<std::string> all = words(names, ',');
  return std::find(all.begin(), all.end(), "cpu") != all.end();
}

/// Blanks and the like are written `\040` in the list of mounts.
std::string unescaped(const std::string& text) {
  const auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                    text.begin() + static_cast<std::ptrdiff_t>(i) + 4, octal)) {
      result += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// `36 35 98:0 GROUP POINT rw,noatime shared:1 - TYPE SOURCE OPTIONS`, a line of mountinfo.
std::vector<Mount> mounts(const fs::path& root) {
  std::vector<Mount> found;
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> all = words(line, ' ');
    const auto dash = std::find(all.begin(), all.end(), "-");
    if (all.size() < 5 || all.end() - dash < 4) continue;
    const bool two = dash[1] == "cgroup2";
    if (!two && !(dash[1] == "cgroup" && lists_cpu(dash[3]))) continue;
    found.push_back({two ? Version::two : Version::one, unescaped(all[3]), unescaped(all[4])});
  }
  return found;
}

/// `3:cpu,cpuacct:/GROUP`, a line of version 1, or `0::/GROUP` of version 2: the group of this process.
std::optional<std::string> own_group(const fs::path& root, Version version) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version == Version::two ? controllers.empty() : lists_cpu(controllers))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

/// `group` as a path below the mount point that shows `top`; the top itself where it is not below that.
fs::path below(const std::string& group, const std::string& top) {
  std::string rest = group;
  if (top != "/") rest = group.starts_with(top + "/") ? group.substr(top.size()) : "";
  for (const fs::path& part : fs::path(rest)) {
    if (part == "..") return {};
  }
  return fs::path(rest).relative_path();
}

std::optional<double> ratio(double quota, double period) {
  if (quota > 0 && period > 0) return quota / period;
  return std::nullopt;
}

/// The quota that a group itself has. No limit is `max` in version 2, -1 in version 1.
std::optional<double> quota_of(const fs::path& group, Version version) {
  double quota = 0;
  double period = 0;
  if (version == Version::two) {
    std::ifstream file(group / "cpu.max");
    file >> quota >> period;
  } else {
    std::ifstream(group / "cpu.cfs_quota_us") >> quota;
    std::ifstream(group / "cpu.cfs_period_us") >> period;
  }
  return ratio(quota, period);
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& root) {
  std::optional<double> least;
  for (const Mount& mount : mounts(root)) {
    const std::optional<std::string> group = own_group(root, mount.version);
    if (!group) continue;
    const fs::path top = root / fs::path(mount.point).relative_path();
    fs::path at = below(*group, mount.group);
    for (;;) {
      const std::optional<double> quota = quota_of(at.empty() ? top : top / at, mount.version);
      if (quota && (!least || *quota < *least)) least = quota;
      if (at.empty()) break;
      at = at.parent_path();
    }
  }
  return least;
}

}  // namespace satsuma
