#pragma once

#include <memory>
#include <string>

#include "satsuma/device/device.hpp"
#include "src/plugins/instance.hpp"

namespace satsuma::plugin_host {

/// A plug-in as a Device: its functions where it has them; FF and BP made of its matmul; compress, update and
/// WU of the host (an instance of `cpu` of our own, or `reference` for other types than f32) where it has
/// none.
class PluginDevice : public Device {
 public:
  explicit PluginDevice(std::shared_ptr<const Instance> instance);

  std::string_view name() const override { return instance_->table().name; }
  std::string description() const override;
  MemoryFormat activation_format() const override { return format_; }
  Support supports(const LayerPlan& plan, Pass pass) const override;

  void forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
               Tensor& y) override;
  void backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w, Tensor& dx) override;
  void backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x, const Tensor& dy,
                        Tensor& dw, Tensor& dbias) override;
  PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) override;
  void update(const UpdateArgs& args) override;
  std::shared_ptr<std::byte> allocate(std::size_t bytes) override;
  void synchronize() override;

 private:
  const satsuma_plugin& table() const { return instance_->table(); }
  /// True when a pass is made of matmul.
  bool lowered(Pass pass) const;
  void multiply(Pass pass, const LayerPlan& plan, const Tensor& in, const WeightOperand& w,
                const Tensor& bias, Tensor& out);
  /// Who does what the plug-in has no function for.
  Device& host(DType dtype) const;
  void count(Pass pass, const LayerPlan& plan, const Tensor& output);
  /// Adds what the plug-in has moved and spent since the last time.
  void read_counters();

  std::shared_ptr<const Instance> instance_;
  MemoryFormat format_;
  std::shared_ptr<Device> cpu_;
  std::shared_ptr<Device> reference_;
  satsuma_counters seen_{};
};

}  // namespace satsuma::plugin_host
