#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "src/opencl/cl.hpp"

namespace satsuma::opencl {

/// Objects of the C API that this process owns now; tests of leaks read it.
inline std::atomic<std::int64_t> live_objects = 0;

/// Owns an object of the C API.
template <typename T, cl_int(CL_API_CALL* kRelease)(T)>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T object) : object_(object) {
    if (object_) ++live_objects;
  }
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Handle() {
    if (!object_) return;
    kRelease(object_);
    --live_objects;
  }

  T get() const { return object_; }

 private:
  T object_ = nullptr;
};

using Context = Handle<cl_context, &clReleaseContext>;
using CommandQueue = Handle<cl_command_queue, &clReleaseCommandQueue>;
using Program = Handle<cl_program, &clReleaseProgram>;
using Memory = Handle<cl_mem, &clReleaseMemObject>;
using Event = Handle<cl_event, &clReleaseEvent>;
using KernelHandle = Handle<cl_kernel, &clReleaseKernel>;

}  // namespace satsuma::opencl
