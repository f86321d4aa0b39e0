#pragma once

#include <cstdint>
#include <memory>

#include "satsuma/device/device.hpp"

namespace satsuma {

/// C = A * B in f32. A is a weight: `rows` rows of `segments` * `length` columns, of which each segment keeps
/// `kept`: a[(row * segments + segment) * kept + j] stands in column segment * length + j / N * M +
/// indices[same place]. Dense: `indices` is null, kept = length, a[...] stands in column segment * length +
/// j. B has segments * length rows of `columns` elements, C has `rows` rows of them; both row-major without
/// gaps, C is wholly overwritten. `columns` is a multiple of sixteen: one image a lane. Under bf16 and f16
/// operands A and B hold numbers that those types hold exactly.
struct MatrixProduct {
  std::int64_t rows = 0;
  std::int64_t segments = 0;  ///< positions (r, s) of the kernel
  std::int64_t length = 0;    ///< channels that are reduced over
  std::int64_t kept = 0;
  std::int64_t columns = 0;
  Pattern pattern = {};  ///< 1:1 where A is dense
  DType operands = DType::f32;
  Pass pass = Pass::ff;  ///< or BP
  const float* a = nullptr;
  const std::uint8_t* indices = nullptr;
  const float* b = nullptr;
  float* c = nullptr;
};

/// A device whose author writes one product. FF and BP are made of it (im2col into parts of some megabytes);
/// WU, packing and the optimiser's step are done on the host by an instance of `cpu`, or of `reference` where
/// that is not built in. f32 tensors, operands of f32, bf16 and f16, one group of channels; a dY that is
/// pruned in BP is refused. What a device does better itself it overrides.
class MatmulDevice : public Device {
 public:
  /// Throws DeviceError when neither `cpu` nor `reference` is built in.
  MatmulDevice();

  Support supports(const LayerPlan& plan, Pass pass) const override;
  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override;
  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override;
  void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override;
  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override;
  void update(const UpdateArgs& args) override;

 protected:
  /// The product. C is read after synchronize().
  virtual void matmul(const MatrixProduct& product) = 0;

 private:
  void multiply(Pass pass, const LayerPlan& plan, const Tensor& in, const WeightOperand& w,
                const Tensor& bias, Tensor& out);

  std::shared_ptr<Device> host_;
};

}  // namespace satsuma
