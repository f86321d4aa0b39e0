#include "src/devices/sat/opencl/transport.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "satsuma/core/error.hpp"
#include "satsuma/core/tensor.hpp"
#include "src/devices/sat/halves.hpp"
#include "src/devices/sat/opencl/interface.hpp"
#include "src/devices/sat/range.hpp"

namespace satsuma::sat::driver {

namespace {

/// As describe() would put it.
kernel::Description description_of(const Config& config, int largest_group) {
  return {kernel::kInterfaceVersion,
          static_cast<kernel::Int>(config.rows),
          static_cast<kernel::Int>(config.columns),
          static_cast<kernel::Int>(config.sore_lanes),
          static_cast<kernel::Int>(config.wuve_lanes),
          largest_group};
}

bool same(const kernel::Description& a, const kernel::Description& b) {
  return a.interface_version == b.interface_version && a.rows == b.rows && a.columns == b.columns &&
         a.sore_lanes == b.sore_lanes && a.wuve_lanes == b.wuve_lanes && a.largest_group == b.largest_group;
}

}  // namespace

OpenClTransport::OpenClTransport(const opencl::ChosenDevice& device, const Bitstream& bitstream,
                                 std::uint64_t memory)
    : session_(device),
      config_(bitstream.config),
      largest_group_(static_cast<int>(bitstream.largest_group)),
      program_(session_.load(bitstream.binary)),
      describe_(session_.kernel(program_, "describe")),
      os_(session_.kernel(program_, "stce_os")),
      ws_(session_.kernel(program_, "stce_ws")),
      wu_os_(session_.kernel(program_, "stce_wu_os")),
      wu_ws_(session_.kernel(program_, "stce_wu_ws")),
      bias_gradient_(session_.kernel(program_, "stce_bias_gradient")),
      sore_(session_.kernel(program_, "sore")),
      wuve_(session_.kernel(program_, "wuve")) {
  allocate(std::min(memory, session_.info().largest_buffer));
  check_description(config_);
}

void OpenClTransport::allocate(std::uint64_t wanted) {
  constexpr std::uint64_t kLeast = std::uint64_t{1} << 26;
  for (memory_size_ = wanted;; memory_size_ /= 2) {
    try {
      memory_ = session_.allocate(memory_size_);
      return;
    } catch (const DeviceError& error) {
      if (memory_size_ / 2 < kLeast) {
        throw DeviceError(fmt::format("{}; tried {} MiB at last: end what else uses the device's memory",
                                      error.what(), memory_size_ >> 20));
      }
    }
  }
}

void OpenClTransport::check_description(const Config& expected) {
  kernel::Description found{};
  describe_.set(memory_);
  session_.run(describe_, {{1, 1}, {1, 1}});
  session_.wait(session_.read(memory_, 0, &found, sizeof(found)));
  if (same(found, description_of(expected, largest_group_))) return;
  throw DeviceError(
      fmt::format("{}: the kernels are of interface {}, {} x {} USPEs, groups up to {}, but their file says "
                  "{}, {} x {}, {}; "
                  "build it again with satsuma sat build",
                  session_.who(), found.interface_version, found.rows, found.columns, found.largest_group,
                  kernel::kInterfaceVersion, expected.rows, expected.columns, largest_group_));
}

std::string OpenClTransport::description() const {
  const opencl::DeviceInfo& info = session_.info();
  return fmt::format("OpenCL on {}, {}; {} MiB of memory", info.who(), info.version, memory_size_ >> 20);
}

Ticket OpenClTransport::submit(const Command& command) {
  Pending pending;
  pending.ticket = ++submitted_;
  try {
    std::visit([&](const auto& what) { run(what, pending); }, command);
    session_.flush();
  } catch (const std::exception& error) {
    if (error_.empty()) error_ = error.what();
  }
  pending_.push_back(std::move(pending));
  return submitted_;
}

void OpenClTransport::wait(Ticket ticket) {
  while (!pending_.empty() && pending_.front().ticket <= ticket) {
    const Pending done = std::move(pending_.front());
    pending_.pop_front();
    try {
      for (const auto& [events, sum] :
           {std::pair(&done.kernels, &times_.kernels), {&done.transfers, &times_.transfers}}) {
        for (const opencl::Event& event : *events) {
          session_.wait(event);
          *sum += session_.nanoseconds(event);
        }
      }
    } catch (const DeviceError& error) {
      if (error_.empty()) error_ = error.what();
    }
  }
  if (!error_.empty()) throw DeviceError(std::exchange(error_, {}));
}

void OpenClTransport::check(Address address, std::int64_t count, std::uint64_t element) const {
  check_range(where(), memory_size_, address, static_cast<std::uint64_t>(count) * element, element);
}

void OpenClTransport::run(const Load& command, Pending& pending) {
  check(command.to, command.bytes, 1);
  pending.transfers.push_back(
      session_.write(memory_, command.to, command.from, static_cast<std::size_t>(command.bytes)));
}

void OpenClTransport::run(const LoadHalves& command, Pending& pending) {
  check(command.to, command.count, sizeof(std::uint16_t));
  std::vector<std::uint16_t>& halves = pending.halves;
  halves.resize(static_cast<std::size_t>(command.count));
  to_halves(command.from, command.count, halves.data());
  clear_lanes(command, halves.data());
  pending.transfers.push_back(session_.write(memory_, command.to, halves.data(), 2 * halves.size()));
}

void OpenClTransport::run(const Store& command, Pending& pending) {
  check(command.from, command.bytes, 1);
  pending.transfers.push_back(
      session_.read(memory_, command.from, command.to, static_cast<std::size_t>(command.bytes)));
}

}  // namespace satsuma::sat::driver
