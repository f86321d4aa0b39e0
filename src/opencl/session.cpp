#include "src/opencl/session.hpp"

#include <fmt/core.h>

#include <utility>
#include <vector>

#include "satsuma/core/error.hpp"
#include "src/opencl/build_log.hpp"
#include "src/opencl/error.hpp"

namespace satsuma::opencl {

Kernel::Kernel(const Program& program, const char* name, std::string who)
    : name_(name), who_(std::move(who)) {
  cl_int code = CL_SUCCESS;
  kernel_ = KernelHandle(clCreateKernel(program.get(), name, &code));
  check(code, fmt::format("clCreateKernel({})", name), who_);
}

void Kernel::set_bytes(cl_uint index, std::size_t size, const void* value) {
  check(clSetKernelArg(get(), index, size, value), fmt::format("argument {} of {}", index, name_), who_);
}

Session::Session(ChosenDevice device) : device_(std::move(device)) {
  const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                              reinterpret_cast<cl_context_properties>(device_.platform), 0};
  cl_int code = CL_SUCCESS;
  context_ = Context(clCreateContext(properties, 1, &device_.id, nullptr, nullptr, &code));
  check(code, "clCreateContext");
  queue_ = CommandQueue(clCreateCommandQueue(context_.get(), device_.id, CL_QUEUE_PROFILING_ENABLE, &code));
  check(code, "clCreateCommandQueue");
}

Session::~Session() {
  if (queue_.get()) clFinish(queue_.get());
}

void Session::check(cl_int code, std::string_view call) const {
  opencl::check(code, call, who());
}

Program Session::build(const std::string& source, const std::string& options) const {
  if (!device_.info.compiler) {
    throw DeviceError(who() + " has no compiler; build a binary with its vendor's tools (docs/opencl.md)");
  }
  const char* text = source.c_str();
  const std::size_t length = source.size();
  cl_int code = CL_SUCCESS;
  Program program(clCreateProgramWithSource(context_.get(), 1, &text, &length, &code));
  check(code, "clCreateProgramWithSource");
  compile(program, options, source);
  return program;
}

Program Session::load(std::span<const std::byte> binary) const {
  const auto* bytes = reinterpret_cast<const unsigned char*>(binary.data());
  const std::size_t length = binary.size();
  cl_int code = CL_SUCCESS, status = CL_SUCCESS;
  Program program(clCreateProgramWithBinary(context_.get(), 1, &device_.id, &length, &bytes, &status, &code));
  check(code != CL_SUCCESS ? code : status, "clCreateProgramWithBinary");
  compile(program, "", "");
  return program;
}

void Session::compile(const Program& program, const std::string& options, std::string_view source) const {
  const cl_int code = clBuildProgram(program.get(), 1, &device_.id, options.c_str(), nullptr, nullptr);
  if (code == CL_SUCCESS) return;
  std::size_t size = 0;
  clGetProgramBuildInfo(program.get(), device_.id, CL_PROGRAM_BUILD_LOG, 0, nullptr, &size);
  std::string log(size, '\0');
  clGetProgramBuildInfo(program.get(), device_.id, CL_PROGRAM_BUILD_LOG, size, log.data(), nullptr);
  log.resize(std::min(log.find('\0'), log.size()));
  throw DeviceError(
      fmt::format("{}: the kernels do not build ({}): {}", who(), name_of(code), build_error(log, source)));
}

std::vector<std::byte> Session::binary_of(const Program& program) const {
  std::size_t size = 0;
  check(clGetProgramInfo(program.get(), CL_PROGRAM_BINARY_SIZES, sizeof(size), &size, nullptr),
        "clGetProgramInfo");
  if (size == 0) throw DeviceError(who() + " gives no binary of a program");
  std::vector<std::byte> binary(size);
  auto* bytes = reinterpret_cast<unsigned char*>(binary.data());
  check(clGetProgramInfo(program.get(), CL_PROGRAM_BINARIES, sizeof(bytes), &bytes, nullptr),
        "clGetProgramInfo");
  return binary;
}

Memory Session::allocate(std::uint64_t bytes) {
  cl_int code = CL_SUCCESS;
  Memory memory(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE, bytes, nullptr, &code));
  check(code, fmt::format("clCreateBuffer of {} MiB", bytes >> 20));
  // Some platforms find out only with the first command.
  const cl_uint zero = 0;
  wait(write(memory, 0, &zero, std::min<std::uint64_t>(bytes, sizeof(zero))));
  return memory;
}

Event Session::write(const Memory& to, std::uint64_t offset, const void* from, std::size_t bytes) {
  cl_event event = nullptr;
  check(clEnqueueWriteBuffer(queue_.get(), to.get(), CL_FALSE, offset, bytes, from, 0, nullptr, &event),
        fmt::format("writing {} bytes", bytes));
  return Event(event);
}

Event Session::read(const Memory& from, std::uint64_t offset, void* to, std::size_t bytes) {
  cl_event event = nullptr;
  check(clEnqueueReadBuffer(queue_.get(), from.get(), CL_FALSE, offset, bytes, to, 0, nullptr, &event),
        fmt::format("reading {} bytes", bytes));
  return Event(event);
}

Event Session::run(const Kernel& kernel, const Range& range) {
  const std::size_t items[] = {range.groups[0] * range.group_size[0], range.groups[1] * range.group_size[1]};
  cl_event event = nullptr;
  check(clEnqueueNDRangeKernel(queue_.get(), kernel.get(), 2, nullptr, items, range.group_size, 0, nullptr,
                               &event),
        fmt::format("kernel {}", kernel.name()));
  return Event(event);
}

void Session::flush() {
  check(clFlush(queue_.get()), "clFlush");
}

void Session::finish() {
  check(clFinish(queue_.get()), "clFinish");
}

void Session::wait(const Event& event) const {
  const cl_event object = event.get();
  check(clWaitForEvents(1, &object), "a queued command");
}

std::int64_t Session::nanoseconds(const Event& event) const {
  cl_ulong start = 0, end = 0;
  check(clGetEventProfilingInfo(event.get(), CL_PROFILING_COMMAND_START, sizeof(start), &start, nullptr),
        "clGetEventProfilingInfo");
  check(clGetEventProfilingInfo(event.get(), CL_PROFILING_COMMAND_END, sizeof(end), &end, nullptr),
        "clGetEventProfilingInfo");
  return static_cast<std::int64_t>(end - start);
}

}  // namespace satsuma::opencl
