#pragma once

#include <memory>
#include <string>

#include "src/devices/sat/emulator/dram.hpp"
#include "src/devices/sat/emulator/stce.hpp"
#include "src/devices/sat/transport.hpp"

namespace satsuma::sat::driver {

/// A VCU1525's four DDR4 modules.
inline constexpr std::uint64_t kCardMemory = std::uint64_t{64} << 30;

/// SAT on this CPU: its engines with the bits that the hardware would give. A command has been carried out
/// when submit() returns; what went wrong is kept for wait().
class Emulator : public Transport {
 public:
  explicit Emulator(std::uint64_t memory = kCardMemory, const Config& config = {});

  const Config& config() const override { return config_; }
  std::string description() const override;
  std::string where() const override { return "device 'sat'"; }
  std::uint64_t memory() const override { return dram_.size(); }
  std::byte* mapped() const override { return dram_.base(); }
  Ticket submit(const Command& command) override;
  void wait(Ticket ticket) override;

 private:
  void run(const Load& command);
  void run(const LoadHalves& command);
  void run(const Store& command);
  void run(const Contract& command);
  void run(const Reduce& command);
  void run(const Update& command);

  Config config_;
  Dram dram_;
  Stce stce_;
  Ticket submitted_ = 0;
  std::string error_;  ///< of the first command that failed since the last wait()
};

}  // namespace satsuma::sat::driver
