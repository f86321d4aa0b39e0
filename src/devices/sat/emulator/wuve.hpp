#pragma once

#include "src/devices/sat/emulator/dram.hpp"

namespace satsuma::sat::driver {

/// The weight update vector engine: SgdRule in FP32 on dense master weights. The SORE comes behind it.
void update(const Dram& dram, const Update& command);

}  // namespace satsuma::sat::driver
