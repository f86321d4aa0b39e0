#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace satsuma::opencl {

/// An OpenCL driver as the loader finds it: a text file that names a shared object.
struct Driver {
  std::filesystem::path file;  ///< *.icd, or the shared object itself
  std::string library;
};

/// What the loader opens: the files of the folder that OCL_ICD_VENDORS, OPENCL_VENDOR_PATH or nobody names
/// (/etc/OpenCL/vendors), or the one file that OCL_ICD_VENDORS names.
std::vector<Driver> find_drivers();

/// What came of opening drivers in child processes.
struct DriverTrial {
  std::vector<Driver> sound;          ///< those that this process may open
  std::vector<std::string> problems;  ///< a line for each of the others, and for those that do not load
};

/// Lists platforms and devices of `drivers`, which are those that the loader opens, in a child process, and
/// where that dies or takes longer than `limit`, those of each driver in a child of its own: a driver that
/// aborts, crashes or waits for ever would take this program with it, and nothing that a caller of OpenCL can
/// do prevents it.
DriverTrial try_drivers(const std::vector<Driver>& drivers, std::chrono::milliseconds limit);

/// Makes OpenCL's loader open these drivers alone. To be called before anything else of OpenCL.
void open_only(const std::vector<Driver>& drivers);

}  // namespace satsuma::opencl
