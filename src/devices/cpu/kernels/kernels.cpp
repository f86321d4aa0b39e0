#include "src/devices/cpu/kernels/kernels.hpp"

#include "satsuma/core/cpu.hpp"

namespace satsuma::cpu {

const Kernels& kernels() {
#if defined(__x86_64__)
  switch (active_isa()) {
    case Isa::avx512:
      return kAvx512Kernels;
    case Isa::avx2:
      return kAvx2Kernels;
    case Isa::plain:
      break;
  }
#endif
  return kPlainKernels;
}

}  // namespace satsuma::cpu
