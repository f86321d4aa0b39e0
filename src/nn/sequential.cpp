#include "satsuma/nn/sequential.hpp"

namespace satsuma::nn {

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& layer : layers_) y = (*layer)(y);
  return y;
}

}  // namespace satsuma::nn
