#include "satsuma/nn/sequential.hpp"

#include "satsuma/nn/checkpoint.hpp"

namespace satsuma::nn {

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& layer : layers_) y = recompute_ ? checkpoint(layer, y) : (*layer)(y);
  return y;
}

}  // namespace satsuma::nn
