#include "tools/satsuma/doctor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "datasets/registry.hpp"
#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/core/thread_limit.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/distributed/communicator.hpp"
#include "src/core/json.hpp"
#include "src/opencl/platforms.hpp"
#include "tools/satsuma/data_files.hpp"
#include "tools/satsuma/json_output.hpp"
#include "tools/satsuma/peer.hpp"
#include "tools/satsuma/short_text.hpp"
#include "tools/satsuma/table.hpp"
#include "tools/satsuma/use_threads.hpp"

namespace satsuma::tools {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGib = std::size_t{1} << 30;

/// What a check found. `missing` is something that only some uses want; `bad` keeps all training from
/// working.
enum class State { good, missing, bad };

struct Finding {
  std::string subject;
  State state = State::good;
  std::string found;
  std::string advice = {};  ///< empty where nothing need be done
};

std::string_view to_string(State state) {
  switch (state) {
    case State::good:
      return "ok";
    case State::missing:
      return "note";
    case State::bad:
      break;
  }
  return "BAD";
}

Finding check_isa() {
  Finding finding{"processor", State::good, fmt::format("{}, kernels {}", cpu_name(), kernels_name())};
  const char* const forced = std::getenv("SATSUMA_ISA");
  if (forced != nullptr && *forced != '\0') {
    finding.state = State::missing;
    finding.advice = "SATSUMA_ISA forces these kernels; unset it for the best";
  } else if (active_isa() == Isa::plain) {
    finding.state = State::missing;
    finding.advice = "the CPU has no AVX2 (or a virtual machine hides it): training works, but slowly";
  }
  return finding;
}

Finding check_threads() {
  Finding finding{"cores", State::good, fmt::format("{} of {}", threads_text(), available_cores())};
  const std::string_view limit = default_threads().limit;
  if (limit.empty()) return finding;
  finding.state = State::missing;
  finding.advice = limit.starts_with("OMP_") ? fmt::format("unset {}, or give --threads, to use more", limit)
                                             : "whoever set this limit can raise it";
  return finding;
}

/// A line of /proc/meminfo in bytes.
std::optional<std::size_t> memory(std::string_view key) {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::size_t kib = 0;
    std::istringstream(line.substr(key.size() + 1)) >> kib;
    return kib * 1024;
  }
  return std::nullopt;
}

Finding check_memory() {
  const std::optional<std::size_t> free = memory("MemAvailable");
  const std::optional<std::size_t> all = memory("MemTotal");
  if (!free || !all) {
    return {"memory", State::missing, "/proc/meminfo does not say", "mount /proc to see how much there is"};
  }
  Finding finding{"memory", State::good,
                  fmt::format("{} of {} available", short_bytes(*free), short_bytes(*all))};
  if (*free < 2 * kGib) {
    finding.state = State::missing;
    finding.advice = "little for resnet18 at --batch-size 64; take a smaller --batch-size or --width";
  }
  return finding;
}

Finding check_writing() {
  std::error_code error;
  const std::string here = fs::current_path(error).string();
  std::string name = "./.satsuma-doctor-XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0) {
    return {"this folder", State::bad, fmt::format("{}: {}", here, std::strerror(errno)),
            "change to a folder where you may write, or give --out elsewhere"};
  }
  close(file);
  unlink(name.c_str());
  const fs::space_info space = fs::space(".", error);
  Finding finding{"this folder", State::good,
                  fmt::format("{} is writable, {} free", here, error ? "?" : short_bytes(space.available))};
  if (!error && space.available < kGib) {
    finding.state = State::missing;
    finding.advice = "a run of resnet18 keeps 220 MB and needs half as much again while it saves; free some";
  }
  return finding;
}

Finding check_recipes() {
  const fs::path recipe = shipped_file("recipes/resnet9-fashion-mnist-bdwp.toml");
  if (!recipe.empty()) return {"recipes", State::good, recipe.parent_path().string()};
  return {"recipes", State::missing, "not found", "--config takes paths only; install with meson install"};
}

Finding check_data(const datasets::Entry& entry) {
  const std::string subject = fmt::format("data {}", entry.name);
  const std::string place = entry.find({});
  if (!place.empty()) return {subject, State::good, place};
  try {
    entry.load({});
  } catch (const Error& error) {
    return {subject, State::missing, "not found", error.what()};
  }
  return {subject, State::good, "found"};
}

Finding check_device(const DeviceEntry& entry) {
  const std::string subject = fmt::format("device {}", entry.name);
  try {
    find_device(entry.name);
    return {subject, State::good, std::string(entry.summary)};
  } catch (const Error& error) {
    return {subject, State::missing, "not available", error.what()};
  }
}

Finding check_opencl() {
  const opencl::Platforms platforms = opencl::list_platforms();
  std::vector<std::string> names;  // with the number of devices
  for (const opencl::PlatformInfo& platform : platforms.all) {
    names.push_back(fmt::format("{} ({})", platform.name, platform.devices.size()));
  }
  if (!names.empty()) return {"OpenCL", State::good, fmt::format("{}", fmt::join(names, ", "))};
  return {"OpenCL", State::missing, "no platform", platforms.problem};
}

/// Files that PATH leads to, by the order of its folders, and of `names` in each.
std::vector<std::string> on_path(const std::vector<std::string>& names) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  std::vector<std::string> found;
  for (std::string folder; std::getline(folders, folder, ':');) {
    for (const std::string& name : names) {
      const std::string file = folder + "/" + name;
      if (access(file.c_str(), X_OK) == 0) found.push_back(file);
    }
  }
  return found;
}

/// Whether a launcher is known to be another MPI's, by the name of the program behind its links: Debian's
/// `mpirun` leads to one of those that are installed.
bool is_of_another(const std::string& launcher, bool is_open_mpi) {
  std::error_code unknown;
  const std::string program = fs::canonical(launcher, unknown).filename();
  const std::vector<std::string_view> others =
      is_open_mpi ? std::vector<std::string_view>{"hydra", "mpich"}
                  : std::vector<std::string_view>{"orterun", "prterun", "openmpi"};
  return std::any_of(others.begin(), others.end(),
                     [&](std::string_view other) { return program.find(other) != std::string::npos; });
}

Finding check_mpi() {
  const std::string library = distributed::mpi_library();
  if (library.empty()) {
    return {"MPI", State::missing, "not in this build",
            "training on several processes needs it; install libopenmpi-dev or libmpich-dev and build anew"};
  }
  const bool is_open_mpi = library.starts_with("Open MPI");
  const std::vector<std::string> launchers =
      on_path({"mpirun", "mpiexec", is_open_mpi ? "mpirun.openmpi" : "mpirun.mpich", "srun"});
  const auto right = std::find_if(launchers.begin(), launchers.end(), [&](const std::string& launcher) {
    return !is_of_another(launcher, is_open_mpi);
  });
  if (right != launchers.end()) return {"MPI", State::good, fmt::format("{}, {}", library, *right)};
  const std::string found =
      launchers.empty() ? "no mpirun on the PATH" : fmt::format("but {} is another MPI's", launchers.front());
  return {"MPI", State::missing, fmt::format("{}, {}", library, found),
          fmt::format("training on several processes needs its mpirun; install {}",
                      is_open_mpi ? "openmpi-bin" : "mpich")};
}

Finding check_onednn() {
  const std::string peer = peer_library();
  if (!peer.empty()) return {"oneDNN", State::good, peer};
  return {"oneDNN", State::missing, "not in this build",
          "the device `onednn` and `satsuma bench kernels` need it; install libdnnl-dev and build anew"};
}

std::vector<Finding> examine() {
  std::vector<Finding> all = {check_isa(), check_threads(), check_memory(), check_writing(), check_recipes()};
  for (const datasets::Entry& entry : datasets::entries()) all.push_back(check_data(entry));
  for (const DeviceEntry& entry : device_entries()) all.push_back(check_device(entry));
  all.insert(all.end(), {check_opencl(), check_onednn(), check_mpi()});
  return all;
}

void print(const std::vector<Finding>& findings) {
  using enum Table::Align;
  Table table({"", "what", "found"}, {left, left, left});
  for (const Finding& finding : findings) {
    table.add({std::string(to_string(finding.state)), finding.subject, finding.found});
    if (!finding.advice.empty()) table.add({"", "", "-> " + finding.advice});
  }
  table.print();
}

Json to_json(const std::vector<Finding>& findings, bool good) {
  Json checks = Json::array();
  for (const Finding& finding : findings) {
    checks.push_back({{"subject", finding.subject},
                      {"state", to_string(finding.state)},
                      {"found", finding.found},
                      {"advice", finding.advice}});
  }
  return {{"ok", good}, {"checks", checks}};
}

int run_doctor(bool json) {
  const std::vector<Finding> findings = examine();
  const bool good = std::none_of(findings.begin(), findings.end(),
                                 [](const Finding& finding) { return finding.state == State::bad; });
  if (json) {
    print_json(to_json(findings, good));
  } else {
    print(findings);
    fmt::print("\n{}\n", good ? "Training works here; try: satsuma train --config resnet20-synthetic-bdwp"
                              : "Training does not work here until what is marked BAD is put right.");
  }
  return good ? 0 : 1;
}

}  // namespace

void add_doctor(const Command& program) {
  const auto json = std::make_shared<bool>(false);
  const Command command =
      program.add_command("doctor", "Look at what training needs of this machine, and say what to do");
  command.add_flag("--json", *json, "one JSON object on standard output");
  command.footer(
      "Exit status 1 when something keeps training from working; a note is no such thing.\n"
      "Example: satsuma doctor");
  command.run([json] { return run_doctor(*json); });
}

}  // namespace satsuma::tools
