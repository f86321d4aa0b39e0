#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "src/devices/sat/opencl/bitstream.hpp"
#include "src/devices/sat/transport.hpp"
#include "src/opencl/session.hpp"

namespace satsuma::sat::driver {

/// SAT as OpenCL kernels on a device, behind a queue whose commands run in order. All device memory is one
/// buffer, so that kernels and transfers name addresses as the driver does.
class OpenClTransport : public Transport {
 public:
  /// At most `memory` bytes of device memory, less where the device gives less. Throws DeviceError.
  OpenClTransport(const opencl::ChosenDevice& device, const Bitstream& bitstream,
                  std::uint64_t memory = std::uint64_t{64} << 30);

  const Config& config() const override { return config_; }
  int largest_group() const override { return largest_group_; }
  bool shares_positions() const override { return false; }
  std::string description() const override;
  std::string where() const override { return "device 'sat:opencl' on " + session_.who(); }
  std::uint64_t memory() const override { return memory_size_; }
  std::byte* mapped() const override { return nullptr; }
  Ticket submit(const Command& command) override;
  void wait(Ticket ticket) override;
  DeviceTimes take_times() override { return std::exchange(times_, {}); }

 private:
  /// A command that was handed to the device and has not been waited for.
  struct Pending {
    Ticket ticket = 0;
    std::vector<opencl::Event> kernels;
    std::vector<opencl::Event> transfers;
    std::vector<std::uint16_t> halves;  ///< host memory that a transfer reads
  };

  void check_description(const Config& expected);
  void allocate(std::uint64_t wanted);
  void check(Address address, std::int64_t count, std::uint64_t element) const;

  void run(const Load& command, Pending& pending);
  void run(const LoadHalves& command, Pending& pending);
  void run(const Store& command, Pending& pending);
  void run(const Contract& command, Pending& pending);
  void run(const Reduce& command, Pending& pending);
  void run(const Update& command, Pending& pending);
  void multiply(const Contract& command, Pending& pending);
  void multiply_gradients(const Contract& command, Pending& pending);
  /// Work-groups of the array for so many columns and vectors.
  opencl::Range array_range(Dataflow dataflow, std::int64_t columns, std::int64_t vectors) const;
  void check_group(Pattern pattern) const;

  opencl::Session session_;
  Config config_;
  int largest_group_;
  opencl::Program program_;
  opencl::Kernel describe_, os_, ws_, wu_os_, wu_ws_, bias_gradient_, sore_, wuve_;
  opencl::Memory memory_;
  std::uint64_t memory_size_ = 0;
  Ticket submitted_ = 0;
  std::deque<Pending> pending_;
  std::string error_;  ///< of the first command that failed since the last wait()
  DeviceTimes times_;
};

}  // namespace satsuma::sat::driver
