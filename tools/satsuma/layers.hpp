#pragma once

#include <memory>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::tools {

/// Multiply-adds of the three passes of a layer over one image.
struct PassMacs {
  std::int64_t ff = 0;
  std::int64_t bp = 0;
  std::int64_t wu = 0;

  std::int64_t sum() const { return ff + bp + wu; }
};

/// A convolution or linear layer in its place in a model.
struct Layer {
  std::shared_ptr<Contraction> contraction;
  Shape input;   ///< [C, H, W]
  Shape output;  ///< [K, P, Q]

  /// As the layer is configured to execute them.
  PassMacs macs() const;
  /// With dense weights. BP that is not run is not counted here either.
  PassMacs dense_macs() const;
};

/// The layers of `model` that an image [C, H, W] goes through, in the order of the parameters. Nothing is
/// computed; see nn::trace(). Throws ShapeError when the image does not fit.
std::vector<Layer> trace_layers(nn::Module& model, const Shape& input);

}  // namespace satsuma::tools
