#include "src/opencl/drivers.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include "src/core/file_descriptor.hpp"
#include "src/opencl/cl.hpp"
#include "src/opencl/platforms.hpp"

namespace satsuma::opencl {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr const char* kVendors = "OCL_ICD_VENDORS";
constexpr const char* kDefaultFolder = "/etc/OpenCL/vendors";

/// A temporary folder with files of these drivers: any loader of OpenCL can be sent to one.
class VendorsFolder {
 public:
  explicit VendorsFolder(const std::vector<Driver>& drivers) {
    std::error_code error;
    std::string path = (fs::temp_directory_path(error) / "satsuma-opencl-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) return;
    path_ = path;
    for (std::size_t i = 0; i < drivers.size(); ++i)
      std::ofstream(path_ / fmt::format("{:03}.icd", i)) << drivers[i].library << "\n";
  }
  ~VendorsFolder() {
    std::error_code ignored;
    if (path_ != kNowhere) fs::remove_all(path_, ignored);
  }
  VendorsFolder(const VendorsFolder&) = delete;
  VendorsFolder& operator=(const VendorsFolder&) = delete;

  const char* path() const { return path_.c_str(); }

 private:
  static constexpr const char* kNowhere = "/dev/null/none";
  fs::path path_ = kNowhere;
};

/// Lines in memory that a child writes and its parent reads.
class Notes {
 public:
  int file() const { return file_.get(); }
  void add(const std::string& line) const {
    const std::string text = line + "\n";
    // One that cannot be written is missed in a message, no more.
    if (write(file(), text.data(), text.size()) < 0) return;
  }
  std::vector<std::string> lines() const {
    std::string text(static_cast<std::size_t>(std::max<off_t>(0, lseek(file(), 0, SEEK_END))), '\0');
    if (pread(file(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return {};
    const auto is_control = [](unsigned char c) { return c < ' ' && c != '\n'; };
    std::replace_if(text.begin(), text.end(), is_control, ' ');
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
      if (!line.empty()) result.push_back(line);
    }
    return result;
  }

 private:
  FileDescriptor file_{memfd_create("notes", MFD_CLOEXEC)};
};

/// What a child leaves behind.
struct Report {
  Notes opened;    ///< names of platforms, each before its devices are asked for
  Notes unloaded;  ///< about drivers that the loader passes over
  Notes said;      ///< what drivers wrote
};

/// The child's life. Whatever is wrong without dying of it the parent finds, too.
[[noreturn]] void list_and_leave(const std::vector<Driver>& drivers, const char* vendors,
                                 const Report& report) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, SIG_DFL);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO}) dup2(nowhere, stream);
  dup2(report.said.file(), STDERR_FILENO);
  if (vendors) setenv(kVendors, vendors, 1);
  try {
    read_platforms([&](const std::string& name) { report.opened.add(name); });
    for (const Driver& driver : drivers) {
      if (dlopen(driver.library.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
        const char* const why = dlerror();
        report.unloaded.add(fmt::format("OpenCL driver {} is not loaded: {}", driver.file.string(),
                                        why ? why : "the system does not say why"));
      }
    }
  } catch (...) {
  }
  _exit(0);
}

/// How a child has ended, in words; nothing where it has come to its end. It is killed after `limit`.
std::optional<std::string> ending(pid_t child, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  int status = 0;
  for (;;) {
    const pid_t done = waitpid(child, &status, WNOHANG);
    if (done == child) break;
    if (done < 0 && errno != EINTR) return {};  // whoever called us lets the system reap children
    if (std::chrono::steady_clock::now() > end) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return fmt::format("has not answered within {} s", limit.count() / 1000);
    }
    std::this_thread::sleep_for(milliseconds(2));
  }
  if (WIFSIGNALED(status))
    return fmt::format("ends the program that opens it ({})", strsignal(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return fmt::format("ends the program that opens it, with status {}", WEXITSTATUS(status));
  return {};
}

struct Outcome {
  std::optional<std::string> failure;
  std::vector<std::string> unloaded;
};

/// Opens drivers in a child: those in the folder `vendors`, or whatever the loader finds.
Outcome open_in_child(const std::vector<Driver>& drivers, const char* vendors, milliseconds limit) {
  const Report report;
  const pid_t child = fork();
  if (child < 0) return {fmt::format("cannot be tried: {}", std::strerror(errno)), {}};
  if (child == 0) list_and_leave(drivers, vendors, report);
  auto failure = ending(child, limit);
  if (failure) {
    const auto opened = report.opened.lines(), said = report.said.lines();
    if (!opened.empty()) failure = fmt::format("its platform '{}' {}", opened.back(), *failure);
    if (!said.empty()) failure = fmt::format("{}; it said: {}", *failure, said.back());
  }
  return {failure, report.unloaded.lines()};
}

/// The shared object that an .icd file names in its first line.
Driver read_driver(const fs::path& file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  line.erase(line.find_last_not_of(" \t\r") + 1);
  return {file, line};
}

}  // namespace

std::vector<Driver> find_drivers() {
  fs::path place = kDefaultFolder;
  for (const char* const variable : {"OPENCL_VENDOR_PATH", kVendors}) {
    const char* const value = std::getenv(variable);
    if (value && *value) place = value;
  }
  std::error_code error;
  if (!fs::is_directory(place, error)) {
    if (place.extension() != ".icd") return {{place, place.string()}};
    return {read_driver(place.has_parent_path() ? place : kDefaultFolder / place)};
  }
  std::vector<fs::path> files;
  for (fs::directory_iterator at(place, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".icd") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Driver> drivers;
  std::transform(files.begin(), files.end(), std::back_inserter(drivers), read_driver);
  return drivers;
}

DriverTrial try_drivers(const std::vector<Driver>& drivers, milliseconds limit) {
  Outcome all = open_in_child(drivers, nullptr, limit);
  if (!all.failure) return {drivers, all.unloaded};
  DriverTrial trial;
  for (const Driver& driver : drivers) {
    const VendorsFolder alone({driver});
    const Outcome outcome = open_in_child({driver}, alone.path(), limit);
    trial.problems.insert(trial.problems.end(), outcome.unloaded.begin(), outcome.unloaded.end());
    if (!outcome.failure) {
      trial.sound.push_back(driver);
    } else {
      trial.problems.push_back(fmt::format("OpenCL driver {} ({}) is left out: {}", driver.file.string(),
                                           driver.library, *outcome.failure));
    }
  }
  if (trial.sound.size() == drivers.size() || trial.sound.size() > 1) {
    const VendorsFolder together(trial.sound);
    const Outcome outcome = open_in_child(trial.sound, together.path(), limit);
    if (outcome.failure) {
      trial.problems.push_back(
          fmt::format("OpenCL's drivers are left out: each can be opened, but together {}; name one with "
                      "OCL_ICD_VENDORS=FILE.icd",
                      *outcome.failure));
      trial.sound.clear();
    }
  }
  return trial;
}

void open_only(const std::vector<Driver>& drivers) {
  const VendorsFolder folder(drivers);
  const char* const value = std::getenv(kVendors);
  const std::optional<std::string> before = value ? std::optional<std::string>(value) : std::nullopt;
  setenv(kVendors, folder.path(), 1);
  // The first question makes the loader open what there is, once.
  cl_uint count = 0;
  clGetPlatformIDs(0, nullptr, &count);
  before ? setenv(kVendors, before->c_str(), 1) : unsetenv(kVendors);
}

}  // namespace satsuma::opencl
