#pragma once

#include "satsuma/device/device.hpp"

namespace satsuma {

/// The oracle: every pass as the plain sum that defines it, accumulated in double, for any pattern, geometry,
/// layout and real dtype. Written to be read; other devices are held against it.
class ReferenceDevice : public Device {
 public:
  std::string_view name() const override { return "reference"; }
  std::string description() const override;
  Support supports(const LayerPlan& plan, Pass pass) const override;

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override;
  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override;
  void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override;

  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override;
  void update(const UpdateArgs& args) override;
};

}  // namespace satsuma
