#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "satsuma/sat/config.hpp"
#include "src/devices/sat/commands.hpp"

namespace satsuma::sat::driver {

/// Names a submitted command; later ones are larger.
using Ticket = std::uint64_t;

/// Nanoseconds by the clock of the device itself; 0 where it has none.
struct DeviceTimes {
  std::int64_t kernels = 0;
  std::int64_t transfers = 0;
};

/// Whatever carries commands out: the emulator, or a way to a card. The driver above it knows nothing else of
/// the device. Calls come from one thread; memory() and mapped() do not change.
class Transport {
 public:
  virtual ~Transport() = default;
  /// What is at the other end.
  virtual const Config& config() const = 0;
  /// The largest group M of a pattern that it takes.
  virtual int largest_group() const { return 64; }
  /// Whether it takes patterns with positions that rows share.
  virtual bool shares_positions() const { return true; }
  /// Who is at the other end, for `satsuma devices`.
  virtual std::string description() const = 0;
  /// `device 'sat'`, and where that is, for messages.
  virtual std::string where() const = 0;
  /// Bytes of device memory, addresses 0 to memory() - 1. The driver decides what lies where.
  virtual std::uint64_t memory() const = 0;
  /// Device memory as the host sees it, 64-byte aligned; null where it does not see it.
  virtual std::byte* mapped() const = 0;

  /// Puts a command behind those submitted before. Host memory that it names has to stay until it is waited
  /// for; device memory that it names may be given to later commands at once, as they run later.
  virtual Ticket submit(const Command& command) = 0;
  /// Returns when all commands up to `ticket` are done. Throws DeviceError with what went wrong first in
  /// those that nobody has waited for yet.
  virtual void wait(Ticket ticket) = 0;
  /// What commands that were waited for since the last call took.
  virtual DeviceTimes take_times() { return {}; }
};

}  // namespace satsuma::sat::driver
