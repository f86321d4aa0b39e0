#include "src/devices/sat/emulator/emulator.hpp"

#include <fmt/core.h>

#include <cstring>
#include <utility>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/devices/sat/emulator/sore.hpp"
#include "src/devices/sat/emulator/wuve.hpp"
#include "src/devices/sat/halves.hpp"

namespace satsuma::sat::driver {

namespace {

void copy(const void* from, std::int64_t bytes, void* to) {
  parallel_for(bytes, 1 << 18, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(static_cast<std::byte*>(to) + begin, static_cast<const std::byte*>(from) + begin,
                static_cast<std::size_t>(end - begin));
  });
}

}  // namespace

Emulator::Emulator(std::uint64_t memory, const Config& config)
    : config_(config), dram_(memory), stce_(dram_) {}

std::string Emulator::description() const {
  return fmt::format("emulated bit for bit with {} kernels, {} threads; {} GiB of memory",
                     to_string(active_isa()), threads(), dram_.size() >> 30);
}

Ticket Emulator::submit(const Command& command) {
  ++submitted_;
  // What follows a failure works on what it left behind: as on a card, nobody looks before the wait.
  try {
    std::visit([this](const auto& what) { run(what); }, command);
  } catch (const std::exception& error) {
    if (error_.empty()) error_ = error.what();
  }
  return submitted_;
}

void Emulator::wait(Ticket /*ticket*/) {
  if (!error_.empty()) throw DeviceError(std::exchange(error_, {}));
}

void Emulator::run(const Load& command) {
  copy(command.from, command.bytes, dram_.at<std::byte>(command.to, command.bytes));
  stce_.written(command.to, command.bytes);
}

void Emulator::run(const LoadHalves& command) {
  auto* const to = dram_.at<std::uint16_t>(command.to, command.count);
  to_halves(command.from, command.count, to);
  clear_lanes(command, to);
  stce_.written(command.to, 2 * command.count);
}

void Emulator::run(const Store& command) {
  copy(dram_.at<std::byte>(command.from, command.bytes), command.bytes, command.to);
}

void Emulator::run(const Contract& command) {
  stce_.run(command);
}

void Emulator::run(const Reduce& command) {
  reduce(dram_, command);
  stce_.written(command.to.halves, 1);
}

void Emulator::run(const Update& command) {
  update(dram_, command);
  for (const PackedAddress& packed : {command.ff, command.bp}) {
    if (packed.halves != kNowhere) stce_.written(packed.halves, 1);
  }
}

}  // namespace satsuma::sat::driver
