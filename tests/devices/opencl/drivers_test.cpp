#include "src/opencl/drivers.hpp"

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cstdlib>
#include <fstream>

#include "src/opencl/platforms.hpp"

// Drivers that end or hold up who opens them. This program opens OpenCL itself in its last test only: a
// loader that has opened its drivers opens no others.

namespace satsuma::opencl {

namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

/// What a sound driver takes on a machine that is busy with other tests stays far below.
constexpr seconds kLimit(5);

/// A folder for OCL_ICD_VENDORS with drivers of the tests, by the names of their modules.
class Vendors {
 public:
  explicit Vendors(const std::vector<std::string>& names) {
    std::string path = (fs::temp_directory_path() / "satsuma-test-XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    folder_ = path;
    for (const std::string& name : names) std::ofstream(folder_ / (name + ".icd")) << library(name) << "\n";
    setenv("OCL_ICD_VENDORS", folder_.c_str(), 1);
  }
  ~Vendors() { fs::remove_all(folder_); }
  Vendors(const Vendors&) = delete;
  Vendors& operator=(const Vendors&) = delete;

  static std::string library(const std::string& name) {
    return fmt::format("{}/libfake_driver_{}.so", std::getenv("SATSUMA_TEST_DRIVERS"), name);
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

std::vector<std::string> names_of(const std::vector<Driver>& drivers) {
  std::vector<std::string> names;
  for (const Driver& driver : drivers) names.push_back(driver.file.stem().string());
  return names;
}

}  // namespace

TEST_CASE("drivers are found where the loader looks for them") {
  const Vendors vendors({"sound", "aborts"});
  std::ofstream(vendors.folder() / "README") << "no driver\n";
  const auto drivers = find_drivers();
  CHECK(names_of(drivers) == std::vector<std::string>{"aborts", "sound"});
  CHECK(drivers.back().library == Vendors::library("sound"));
  const std::string file = (vendors.folder() / "sound.icd").string();
  setenv("OCL_ICD_VENDORS", file.c_str(), 1);
  CHECK(find_drivers().at(0).library == Vendors::library("sound"));
  setenv("OCL_ICD_VENDORS", "libfake.so", 1);
  CHECK(find_drivers().at(0).library == "libfake.so");
}

TEST_CASE("sound drivers are opened in one child, and one that does not load is named") {
  const Vendors vendors({"sound", "missing"});
  const DriverTrial trial = try_drivers(find_drivers(), kLimit);
  CHECK(names_of(trial.sound) == std::vector<std::string>{"missing", "sound"});
  REQUIRE(trial.problems.size() == 1);
  CHECK(trial.problems[0].find("missing.icd is not loaded: ") != std::string::npos);
}

TEST_CASE("a driver that ends or holds up who opens it is left out with its platform's name") {
  const Vendors vendors({"aborts", "crashes", "exits", "hangs", "sound"});
  const DriverTrial trial = try_drivers(find_drivers(), kLimit);
  CHECK(names_of(trial.sound) == std::vector<std::string>{"sound"});
  const std::vector<std::string> expected = {
      "its platform 'Fake that aborts' ends the program that opens it (Aborted); it said: not enough memory",
      "ends the program that opens it (Segmentation fault)",
      "its platform 'Fake that exits' ends the program that opens it, with status 3",
      "its platform 'Fake that hangs' has not answered within 5 s"};
  REQUIRE(trial.problems.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string& line = trial.problems[i];
    CAPTURE(line);
    CHECK(line.starts_with("OpenCL driver " + vendors.folder().string()));
    CHECK(line.ends_with("is left out: " + expected[i]));
  }
}

TEST_CASE("what was left out is not opened, and the variable is as it was") {
  const Vendors vendors({"aborts", "sound"});
  const Platforms platforms = list_platforms();
  REQUIRE(platforms.all.size() == 1);
  CHECK(platforms.all[0].name == "Fake that is sound");
  CHECK(platforms.left_out.size() == 1);
  CHECK(platforms.problem.empty());
  CHECK(std::getenv("OCL_ICD_VENDORS") == vendors.folder().string());
}

}  // namespace satsuma::opencl
