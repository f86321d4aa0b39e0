#include "satsuma/core/cpu.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/ops/kernels/kernels.hpp"

namespace satsuma::kernels {

static_assert(kernels::kLanes == satsuma::kLanes);

template <typename T>
const Kernels<T>& active() {
#if defined(__x86_64__)
  static const Kernels<T>& table = active_isa() >= Isa::avx512 ? kernels_of<64, T>()
                                   : active_isa() == Isa::avx2 ? kernels_of<32, T>()
                                                               : kernels_of<16, T>();
  return table;
#else
  return kernels_of<16, T>();
#endif
}

template const Kernels<float>& active<float>();
template const Kernels<double>& active<double>();

}  // namespace satsuma::kernels
