// An OpenCL driver with one platform NAME, no device, and one of the faults that drivers have.

#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <CL/cl_icd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {

struct _cl_platform_id {
  cl_icd_dispatch* dispatch;
};

static cl_int CL_API_CALL device_ids(cl_platform_id, cl_device_type, cl_uint, cl_device_id*, cl_uint* count) {
#ifdef ABORTS
  std::fprintf(stderr, "not enough memory\n");
  std::abort();
#elif defined(HANGS)
  for (;;) pause();
#elif defined(EXITS)
  std::exit(3);
#endif
  if (count) *count = 0;
  return CL_DEVICE_NOT_FOUND;
}

static cl_int CL_API_CALL platform_info(cl_platform_id, cl_platform_info what, size_t size, void* to,
                                        size_t* got) {
  const char* text = "";
  if (what == CL_PLATFORM_NAME) text = NAME;
  if (what == CL_PLATFORM_VERSION) text = "OpenCL 1.2 fake";
  if (what == CL_PLATFORM_PROFILE) text = "FULL_PROFILE";
  if (what == CL_PLATFORM_EXTENSIONS) text = "cl_khr_icd";
  if (what == CL_PLATFORM_ICD_SUFFIX_KHR) text = "FAKE";
  const size_t length = std::strlen(text) + 1;
  if (got) *got = length;
  if (to && size < length) return CL_INVALID_VALUE;
  if (to) std::memcpy(to, text, length);
  return CL_SUCCESS;
}

static cl_int CL_API_CALL platform_ids(cl_uint room, cl_platform_id* to, cl_uint* count) {
#ifdef CRASHES
  std::raise(SIGSEGV);
#endif
  static cl_icd_dispatch dispatch = [] {
    cl_icd_dispatch table{};
    table.clGetPlatformInfo = platform_info;
    table.clGetDeviceIDs = device_ids;
    return table;
  }();
  static _cl_platform_id platform = {&dispatch};
  if (to && room > 0) to[0] = &platform;
  if (count) *count = 1;
  return CL_SUCCESS;
}

CL_API_ENTRY void* CL_API_CALL clGetExtensionFunctionAddress(const char* name) {
  if (std::strcmp(name, "clIcdGetPlatformIDsKHR") == 0) return reinterpret_cast<void*>(platform_ids);
  if (std::strcmp(name, "clGetPlatformInfo") == 0) return reinterpret_cast<void*>(platform_info);
  return nullptr;
}

CL_API_ENTRY cl_int CL_API_CALL clIcdGetPlatformIDsKHR(cl_uint room, cl_platform_id* to, cl_uint* count) {
  return platform_ids(room, to, count);
}

CL_API_ENTRY cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id id, cl_platform_info what, size_t size,
                                                  void* to, size_t* got) {
  return platform_info(id, what, size, to, got);
}
}
