// SAT over OpenCL under the tests of SAT's values, in both dataflows by turns.

#include <memory>

#include "devices/opencl/bitstream_file.hpp"
#include "devices/sat/naive_sat.hpp"
#include "src/devices/sat/device.hpp"
#include "src/devices/sat/opencl/opencl.hpp"

namespace satsuma::testing {

namespace {

using namespace sat::driver;

/// Every other pass weight stationary, whatever was scheduled.
class ByTurns : public Transport {
 public:
  explicit ByTurns(std::shared_ptr<Transport> inner) : inner_(std::move(inner)) {}

  const sat::Config& config() const override { return inner_->config(); }
  std::string description() const override { return inner_->description(); }
  std::string where() const override { return inner_->where(); }
  std::uint64_t memory() const override { return inner_->memory(); }
  std::byte* mapped() const override { return inner_->mapped(); }
  Ticket submit(const Command& command) override {
    const auto* const contract = std::get_if<Contract>(&command);
    if (contract == nullptr) return inner_->submit(command);
    Contract changed = *contract;
    // Three passes a layer: each pass meets both.
    changed.dataflow =
        ++passes_ % 2 == 0 ? sat::Dataflow::weight_stationary : sat::Dataflow::output_stationary;
    return inner_->submit(changed);
  }
  void wait(Ticket ticket) override { inner_->wait(ticket); }

 private:
  std::shared_ptr<Transport> inner_;
  int passes_ = 0;
};

}  // namespace

Device& sat_under_test() {
  // Never destroyed: at the end of the program the platform's own destructors may come first.
  static auto* const device =
      new std::shared_ptr<Device>(make_device(std::make_shared<ByTurns>(connect_opencl({small_sat()}))));
  return **device;
}

}  // namespace satsuma::testing
