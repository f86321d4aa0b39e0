#pragma once

#include <memory>

#include "satsuma/core/rng.hpp"
#include "satsuma/device/device.hpp"
#include "src/conformance/cases.hpp"

namespace satsuma::conformance {

/// Uniform in [-1, 1); with `ties` multiples of 1/8, so that there are equal magnitudes and zeros. Padding
/// lanes hold large numbers.
Tensor draw(Rng& rng, const Shape& shape, DType dtype, MemoryFormat format, bool ties = false);
/// Memory of the device, full of NaN: a device has to write all of it.
Tensor poisoned(Device& device, const Shape& shape, DType dtype, MemoryFormat format);
/// The same elements in memory of the device.
Tensor on_device(Device& device, const Tensor& tensor);

/// Units of epsilon that a sum of `length` products of numbers in [-1, 1] may be off by.
double tolerance(std::int64_t length, DType dtype);

bool same_packed(const PackedWeight& a, const PackedWeight& b);

/// Tensors that the passes of a layer read, in a device's format.
struct Operands {
  Operands(Rng& rng, const Case& layer, Types types, MemoryFormat format);

  MemoryFormat format;  ///< of x and dy
  Tensor x;
  Tensor dy;
  Tensor weight;
  Tensor bias;  ///< undefined for one half of the layers
};

/// The weight of a pass, packed by `packer` where the layer's pattern is sparse.
class PassWeight {
 public:
  PassWeight(Device& packer, const Case& layer, Pass pass, const Tensor& weight);
  WeightOperand operand() const;

 private:
  Tensor dense_;
  PackedWeight packed_;
};

/// What a pass gives: Y, dX, or dW and the gradient of the bias.
struct PassResult {
  Tensor main;
  Tensor dbias;  ///< WU of a layer with a bias only
};

/// Runs a pass into poisoned memory of the device and waits for it. Operands that are in neither
/// of the device's formats are converted to its usual one. `key` is of a sampled dY.
PassResult run_pass(Device& device, const Case& layer, Types types, Pass pass, const Operands& operands,
                    const PassWeight& weight, const SampleKey& key = {5, 7, 3});

/// f32 tensors, and the operands that the device takes unless told otherwise.
Types own_types(const Device& device);

/// What a device answers to a layer's pass.
Support ask(const Device& device, const Case& layer, Types types, Pass pass);

/// An instance of the reference device of our own. Throws DeviceError when it is not built in.
std::shared_ptr<Device> make_reference();

}  // namespace satsuma::conformance
