#include "src/devices/sat/emulator/sore.hpp"

#include <cstring>
#include <utility>

#include "src/cpu/compress.hpp"
#include "src/devices/sat/emulator/view.hpp"
#include "src/devices/sat/halves.hpp"

namespace satsuma::sat::driver {

void reduce(const Dram& dram, const Reduce& command) {
  const auto [out_channels, in_channels, height, width] = command.shape;
  const Shape shape = {out_channels, in_channels, height, width};
  const PackedWeight packed = cpu::compress(view_of(dram, command.weight, shape, MemoryFormat::channels_last),
                                            command.axis, command.pattern);
  const std::int64_t count = packed.values.numel();
  const float* const values = packed.values.data<float>();
  to_halves(values, count, dram.at<std::uint16_t>(command.to.halves, count));
  std::memcpy(dram.at<float>(command.to.values, count), values,
              static_cast<std::size_t>(count) * sizeof(float));
  const std::int64_t indices = packed.indices.numel();
  std::memcpy(dram.at<std::uint8_t>(command.to.indices, indices), packed.indices.raw(),
              static_cast<std::size_t>(indices));
}

}  // namespace satsuma::sat::driver
