#include "src/opencl/platforms.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "satsuma/core/error.hpp"
#include "src/core/message.hpp"
#include "src/opencl/chosen_device.hpp"
#include "src/opencl/drivers.hpp"

namespace satsuma::opencl {

namespace {

/// More than the slowest driver takes on a busy machine.
constexpr std::chrono::seconds kLimit(30);

/// Why there is no platform. A driver that was left out is the first thing to look at.
std::string no_platform(const std::vector<std::string>& left_out) {
  if (!left_out.empty()) return fmt::format("no OpenCL platform can be used; {}", left_out.front());
  return "no OpenCL platform is installed; install the driver of your card, or pocl-opencl-icd, which runs "
         "OpenCL on the CPU";
}

/// Lets the loader open the drivers that do no harm, once, and returns what there is to say about the others.
const std::vector<std::string>& open_drivers() {
  static const std::vector<std::string> problems = [] {
    const std::vector<Driver> drivers = find_drivers();
    const DriverTrial trial = try_drivers(drivers, kLimit);
    if (trial.sound.size() < drivers.size()) open_only(trial.sound);
    return trial.problems;
  }();
  return problems;
}

template <typename Query>
std::string text_of(Query&& query) {
  std::size_t size = 0;
  if (query(std::size_t{0}, nullptr, &size) != CL_SUCCESS || size == 0) return "";
  std::string text(size, '\0');
  if (query(size, text.data(), nullptr) != CL_SUCCESS) return "";
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

std::string text_of(cl_platform_id platform, cl_platform_info what) {
  return text_of([&](std::size_t size, void* to, std::size_t* got) {
    return clGetPlatformInfo(platform, what, size, to, got);
  });
}

std::string text_of(cl_device_id device, cl_device_info what) {
  return text_of([&](std::size_t size, void* to, std::size_t* got) {
    return clGetDeviceInfo(device, what, size, to, got);
  });
}

template <typename T>
T number_of(cl_device_id device, cl_device_info what) {
  T number{};
  clGetDeviceInfo(device, what, sizeof(number), &number, nullptr);
  return number;
}

std::vector<cl_platform_id> platform_ids() {
  cl_uint count = 0;
  if (clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS) return {};
  std::vector<cl_platform_id> ids(count);
  if (count > 0) clGetPlatformIDs(count, ids.data(), nullptr);
  return ids;
}

std::vector<cl_device_id> device_ids(cl_platform_id platform) {
  cl_uint count = 0;
  if (clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, nullptr, &count) != CL_SUCCESS) return {};
  std::vector<cl_device_id> ids(count);
  if (count > 0) clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids.data(), nullptr);
  return ids;
}

std::string kind_of(cl_device_type type) {
  if (type & CL_DEVICE_TYPE_CPU) return "CPU";
  if (type & CL_DEVICE_TYPE_GPU) return "GPU";
  return type & CL_DEVICE_TYPE_ACCELERATOR ? "accelerator" : "other";
}

DeviceInfo info_of(cl_platform_id platform, cl_device_id id) {
  DeviceInfo info;
  info.platform = text_of(platform, CL_PLATFORM_NAME);
  info.name = text_of(id, CL_DEVICE_NAME);
  info.version = text_of(id, CL_DEVICE_VERSION);
  info.driver = text_of(id, CL_DRIVER_VERSION);
  info.kind = kind_of(number_of<cl_device_type>(id, CL_DEVICE_TYPE));
  info.memory = number_of<cl_ulong>(id, CL_DEVICE_GLOBAL_MEM_SIZE);
  info.largest_buffer = number_of<cl_ulong>(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
  info.local_memory = number_of<cl_ulong>(id, CL_DEVICE_LOCAL_MEM_SIZE);
  info.work_group = number_of<std::size_t>(id, CL_DEVICE_MAX_WORK_GROUP_SIZE);
  info.compute_units = number_of<cl_uint>(id, CL_DEVICE_MAX_COMPUTE_UNITS);
  info.available = number_of<cl_bool>(id, CL_DEVICE_AVAILABLE) == CL_TRUE;
  info.compiler = number_of<cl_bool>(id, CL_DEVICE_COMPILER_AVAILABLE) == CL_TRUE;
  info.halves = text_of(id, CL_DEVICE_EXTENSIONS).find("cl_khr_fp16") != std::string::npos;
  info.doubles = number_of<cl_device_fp_config>(id, CL_DEVICE_DOUBLE_FP_CONFIG) != 0;
  info.denormals = (number_of<cl_device_fp_config>(id, CL_DEVICE_SINGLE_FP_CONFIG) & CL_FP_DENORM) != 0;
  return info;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::string known_fault(const std::string& platform) {
  if (platform.find("FPGA Emulation") != std::string::npos && !std::getenv("CL_CONFIG_CPU_TARGET_ARCH")) {
    return "its compiler corrupts memory on a CPU that it does not know; set "
           "CL_CONFIG_CPU_TARGET_ARCH=core-avx2";
  }
  return "";
}

std::vector<PlatformInfo> read_platforms(const std::function<void(const std::string&)>& opening) {
  std::vector<PlatformInfo> all;
  for (const cl_platform_id id : platform_ids()) {
    PlatformInfo platform{text_of(id, CL_PLATFORM_NAME), text_of(id, CL_PLATFORM_VERSION), {}, {}};
    platform.warning = known_fault(platform.name);
    opening(platform.name);
    for (const cl_device_id device : device_ids(id)) platform.devices.push_back(info_of(id, device));
    all.push_back(std::move(platform));
  }
  return all;
}

Platforms list_platforms() {
  Platforms platforms;
  platforms.left_out = open_drivers();
  platforms.all = read_platforms([](const std::string&) {});
  if (platforms.all.empty()) platforms.problem = no_platform(platforms.left_out);
  return platforms;
}

ChosenDevice choose_device(const Choice& choice) {
  const std::vector<std::string>& left_out = open_drivers();
  const std::vector<cl_platform_id> platforms = platform_ids();
  if (platforms.empty()) throw DeviceError(no_platform(left_out));
  std::vector<ChosenDevice> found;
  std::vector<std::string> names, matching;
  for (const cl_platform_id platform : platforms) {
    const std::string name = text_of(platform, CL_PLATFORM_NAME);
    names.push_back(fmt::format("'{}'", name));
    if (lower(name).find(lower(choice.platform)) == std::string::npos) continue;
    matching.push_back(names.back());
    for (const cl_device_id device : device_ids(platform))
      found.push_back({platform, device, info_of(platform, device)});
  }
  if (matching.empty()) {
    throw DeviceError(fmt::format("there is no OpenCL platform '{}'; there is {}{}{}", choice.platform,
                                  fmt::join(names, ", "), left_out.empty() ? "" : "; ",
                                  fmt::join(left_out, "; ")));
  }
  if (found.empty()) {
    throw DeviceError(
        fmt::format("platform {} has no device; is the card plugged in, and may this user open it?",
                    fmt::join(matching, ", ")));
  }
  if (choice.index < 0 || static_cast<std::size_t>(choice.index) >= found.size()) {
    throw DeviceError(fmt::format("platform {} has no device of index {}; it has {}, counted from 0",
                                  fmt::join(matching, ", "), choice.index, found.size()));
  }
  ChosenDevice device = found[static_cast<std::size_t>(choice.index)];
  if (!device.info.available) throw DeviceError(fmt::format("{} is not available", device.info.who()));
  const std::string fault = known_fault(device.info.platform);
  if (!fault.empty()) say("platform '{}': {}", device.info.platform, fault);
  return device;
}

}  // namespace satsuma::opencl
