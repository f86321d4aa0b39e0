#include "src/ops/kernels/table.hpp"

namespace satsuma::kernels {

template const Kernels<float>& kernels_of<32, float>();
template const Kernels<double>& kernels_of<32, double>();

}  // namespace satsuma::kernels
