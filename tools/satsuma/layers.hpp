#pragma once

#include <memory>
#include <vector>

#include "satsuma/autograd/trace.hpp"
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
  Shape input;              ///< [C, H, W]
  Shape output;             ///< [K, P, Q]
  bool trained = true;      ///< its weight is not frozen: WU is run
  bool passes_back = true;  ///< something before it is trained: BP is run, unless the plan leaves it out
  bool recomputed = false;  ///< FF is run twice (nn::checkpoint())

  /// As the layer is configured to execute them.
  PassMacs macs() const;
  /// With dense weights. What is not run is not counted here either.
  PassMacs dense_macs() const;

 private:
  template <typename Count>
  PassMacs of_passes(const Count& count) const;
};

/// The layers of `model` that an image [C, H, W] goes through, in the order of the parameters. Nothing is
/// computed; see nn::trace(). Throws ShapeError when the image does not fit.
std::vector<Layer> trace_layers(nn::Module& model, const Shape& input);
/// The same from a trace of `model` that is there.
std::vector<Layer> layers_of(const nn::Module& model, const Trace& trace);

}  // namespace satsuma::tools
