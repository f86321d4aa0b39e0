#include "src/ops/kernels/table.hpp"

namespace satsuma::kernels {

template const Kernels<float>& kernels_of<16, float>();
template const Kernels<double>& kernels_of<16, double>();

}  // namespace satsuma::kernels
