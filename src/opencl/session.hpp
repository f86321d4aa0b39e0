#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/opencl/chosen_device.hpp"
#include "src/opencl/handle.hpp"

namespace satsuma::opencl {

/// A kernel of a program, and who runs it.
class Kernel {
 public:
  Kernel(const Program& program, const char* name, std::string who);

  /// Sets all arguments, in order: memory, and structs or numbers by value.
  template <typename... Arguments>
  void set(const Arguments&... arguments) {
    cl_uint index = 0;
    (set_one(index++, arguments), ...);
  }
  cl_kernel get() const { return kernel_.get(); }
  const std::string& name() const { return name_; }

 private:
  void set_one(cl_uint index, const Memory& memory) {
    const cl_mem object = memory.get();
    set_bytes(index, sizeof(object), &object);
  }
  template <typename T>
  void set_one(cl_uint index, const T& value) {
    set_bytes(index, sizeof(value), &value);
  }
  void set_bytes(cl_uint index, std::size_t size, const void* value);

  std::string name_;
  std::string who_;
  KernelHandle kernel_;
};

/// Work-groups and their work-items along two axes.
struct Range {
  std::size_t groups[2];
  std::size_t group_size[2];
};

/// A context with one device and one queue, whose commands run in order and are timed by the device. Calls
/// throw DeviceError in one line that names platform and device.
class Session {
 public:
  explicit Session(ChosenDevice device);
  /// Waits for what is queued: it may name memory of the caller.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const DeviceInfo& info() const { return device_.info; }
  std::string who() const { return device_.info.who(); }

  /// A program from source, or from what binary_of() gave on the same device. A build that fails is named by
  /// the first error of the compiler and the line of `source` that it is in.
  Program build(const std::string& source, const std::string& options) const;
  Program load(std::span<const std::byte> binary) const;
  std::vector<std::byte> binary_of(const Program& program) const;
  Kernel kernel(const Program& program, const char* name) const { return {program, name, who()}; }

  /// Device memory, which is there when this returns: the device has touched it. Throws DeviceError.
  Memory allocate(std::uint64_t bytes);

  /// Commands; host memory has to stay until their event is done.
  Event write(const Memory& to, std::uint64_t offset, const void* from, std::size_t bytes);
  Event read(const Memory& from, std::uint64_t offset, void* to, std::size_t bytes);
  Event run(const Kernel& kernel, const Range& range);
  /// Hands what is queued to the device.
  void flush();
  void finish();

  /// Waits for the event; throws when its command failed.
  void wait(const Event& event) const;
  /// Nanoseconds that the command of a finished event took on the device.
  std::int64_t nanoseconds(const Event& event) const;

 private:
  void compile(const Program& program, const std::string& options, std::string_view source) const;
  void check(cl_int code, std::string_view call) const;

  ChosenDevice device_;
  Context context_;
  CommandQueue queue_;
};

}  // namespace satsuma::opencl
