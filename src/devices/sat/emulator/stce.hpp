#pragma once

#include <map>

#include "satsuma/core/tensor.hpp"
#include "satsuma/sparse/packed.hpp"
#include "src/devices/sat/emulator/dram.hpp"

namespace satsuma::sat::driver {

/// The sparse tensor computing engine: products of FP16 numbers, which FP32 holds exactly, added to FP32 sums
/// one by one in the array's order (docs/sat-values.md).
class Stce {
 public:
  explicit Stce(const Dram& dram) : dram_(dram) {}

  void run(const Contract& command);
  /// To be told of everything that is written to device memory: what was decoded from there is stale.
  void written(Address address, std::int64_t bytes);

 private:
  /// A weight operand as the CPU's kernels take it.
  struct Weight {
    Tensor dense;
    PackedWeight packed;
    std::int64_t bytes = 0;  ///< in device memory
    bool finite = true;

    WeightOperand operand() const {
      return packed.defined() ? WeightOperand{.packed = &packed} : WeightOperand{.dense = &dense};
    }
  };

  void forward(const Contract& command);
  void backward_data(const Contract& command);
  void backward_weights(const Contract& command);
  Weight decode(const Contract& command) const;
  /// Packed weights are decoded once, dense ones are loaded for each pass anyway.
  const Weight& weight_of(const Contract& command);
  /// FP16 activation at `address` in FP32.
  Tensor operand(Address address, const Shape& shape, bool* finite = nullptr) const;

  const Dram& dram_;
  std::map<Address, Weight> decoded_;
  Weight dense_;
};

}  // namespace satsuma::sat::driver
