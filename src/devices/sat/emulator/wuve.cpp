#include "src/devices/sat/emulator/wuve.hpp"

#include "satsuma/device/sgd_rule.hpp"
#include "src/cpu/compress.hpp"
#include "src/devices/sat/emulator/sore.hpp"
#include "src/devices/sat/emulator/view.hpp"

namespace satsuma::sat::driver {

void update(const Dram& dram, const Update& command) {
  const auto [out_channels, in_channels, height, width] = command.shape;
  const Shape shape = {out_channels, in_channels, height, width};
  const auto tensor = [&](Address address) {
    return address == kNowhere ? Tensor() : view_of(dram, address, shape, MemoryFormat::channels_last);
  };
  const SgdRule rule(command.step.rule);
  const UpdateArgs args{.weight = tensor(command.weight),
                        .grad = tensor(command.gradient),
                        .states = {tensor(command.velocity)},
                        .rule = &rule,
                        .lr = command.step.lr,
                        .sr_ste = command.step.sr_ste,
                        .pattern = command.pattern};
  apply_update(args, cpu::mask_ff(args));
  const auto generate = [&](GroupAxis axis, const PackedAddress& to) {
    if (to.halves != kNowhere) reduce(dram, {command.weight, command.shape, axis, command.pattern, to});
  };
  generate(GroupAxis::input_channels, command.ff);
  generate(GroupAxis::output_channels, command.bp);
}

}  // namespace satsuma::sat::driver
