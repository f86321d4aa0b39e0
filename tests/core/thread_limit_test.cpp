#include "satsuma/core/thread_limit.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace satsuma::testing {

namespace fs = std::filesystem;

namespace {

/// A folder that stands for `/`, with the files of a process and its control groups.
class FakeRoot {
 public:
  FakeRoot() : path_(fs::temp_directory_path() / ("satsuma-cgroup-" + std::to_string(getpid()))) {
    fs::remove_all(path_);
  }
  ~FakeRoot() { fs::remove_all(path_); }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  FakeRoot& file(const std::string& name, const std::string& text) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return *this;
  }
  std::optional<double> quota() const { return cpu_quota(path_); }

 private:
  fs::path path_;
};

constexpr const char* kVersionTwo = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kVersionOne =
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n";

}  // namespace

TEST_CASE("the CPU quota of version 2: the smallest on the way to the root") {
  FakeRoot root;
  CHECK(!root.quota());
  root.file("proc/self/mountinfo", kVersionTwo).file("proc/self/cgroup", "0::/a.slice/b/c\n");
  CHECK(!root.quota());
  root.file("sys/fs/cgroup/a.slice/b/c/cpu.max", "max 100000\n");
  CHECK(!root.quota());
  root.file("sys/fs/cgroup/a.slice/b/cpu.max", "400000 100000\n");
  CHECK(root.quota() == 4.0);
  root.file("sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
  CHECK(root.quota() == 1.5);
  root.file("sys/fs/cgroup/a.slice/b/c/cpu.max", "20000 50000\n");
  CHECK(root.quota() == 0.4);
  // Another group's is none of ours.
  root.file("sys/fs/cgroup/a.slice/other/cpu.max", "10000 100000\n");
  CHECK(root.quota() == 0.4);
}

TEST_CASE("the CPU quota of version 1") {
  FakeRoot root;
  root.file("proc/self/mountinfo", kVersionOne);
  root.file("proc/self/cgroup", "4:cpuset:/set\n3:cpu,cpuacct:/outer/inner\n1:name=systemd:/x\n0::/\n");
  const std::string cpu = "sys/fs/cgroup/cpu,cpuacct/";
  root.file(cpu + "cpu.cfs_quota_us", "-1\n").file(cpu + "cpu.cfs_period_us", "100000\n");
  CHECK(!root.quota());
  root.file(cpu + "outer/inner/cpu.cfs_quota_us", "300000\n");
  root.file(cpu + "outer/inner/cpu.cfs_period_us", "100000\n");
  CHECK(root.quota() == 3.0);
  root.file(cpu + "outer/cpu.cfs_quota_us", "100000\n").file(cpu + "outer/cpu.cfs_period_us", "50000\n");
  CHECK(root.quota() == 2.0);
  // Both versions may be mounted side by side.
  root.file("proc/self/mountinfo",
            std::string(kVersionOne) + "40 31 0:39 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  root.file("sys/fs/cgroup/unified/cpu.max", "100000 100000\n");
  CHECK(root.quota() == 1.0);
}

TEST_CASE("the CPU quota in a container, whose mount shows its group at the top") {
  FakeRoot root;
  root.file("proc/self/mountinfo",
            "30 23 0:26 /docker/12\\0403 /sys/fs/my\\040groups ro - cgroup2 none rw\n");
  root.file("proc/self/cgroup", "0::/docker/12 3/job\n");
  root.file("sys/fs/my groups/cpu.max", "600000 100000\n");
  CHECK(root.quota() == 6.0);
  root.file("sys/fs/my groups/job/cpu.max", "200000 100000\n");
  CHECK(root.quota() == 2.0);
  // A process from outside of the container's name space.
  for (const char* const group : {"0::/../other\n", "0::/elsewhere\n", "0::/\n"}) {
    root.file("proc/self/cgroup", group);
    CHECK(root.quota() == 6.0);
  }
}

TEST_CASE("files of control groups that are not as promised limit nothing") {
  FakeRoot root;
  root.file("proc/self/mountinfo", std::string("junk\n1 2 3\n\n - - -\n") + kVersionTwo);
  for (const char* const group : {"", "0\n", ":\n", "0::\n", "0::/..\n", "1:cpu\n"}) {
    root.file("proc/self/cgroup", group);
    CHECK(!root.quota());
  }
  root.file("proc/self/cgroup", "0::/\n");
  for (const char* const quota : {"", "many", "-5 100000", "100000 0", "0 100000", "100000"}) {
    root.file("sys/fs/cgroup/cpu.max", quota);
    CHECK(!root.quota());
  }
}

TEST_CASE("OMP_NUM_THREADS is a list, of which the first is ours") {
  CHECK(first_thread_count("3") == 3);
  CHECK(first_thread_count(" 4,2 ") == 4);
  CHECK(first_thread_count("2 ") == 2);
  for (const char* const text : {"", "0", "-1", "x", "2x", ",2", "99999999999"})
    CHECK(!first_thread_count(text));
}

TEST_CASE("the default is within the machine") {
  const ThreadDefault& chosen = default_threads();
  CHECK(chosen.count >= 1);
  CHECK(chosen.count <= available_cores());
  CHECK(available_cores() <= machine_cores());
  CHECK(chosen.limit.empty() == (chosen.count == machine_cores()));
}

}  // namespace satsuma::testing
