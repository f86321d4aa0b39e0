#include "satsuma/device/matmul_device.hpp"

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/device/rounding.hpp"
#include "satsuma/device/stopwatch.hpp"
#include "src/device/f32_device.hpp"
#include "src/device/lowering.hpp"

namespace satsuma {

MatmulDevice::MatmulDevice() : host_(make_built_in("cpu")) {
  if (!host_) host_ = make_built_in("reference");
  if (!host_) {
    throw DeviceError("a device of a matrix product needs 'cpu' or 'reference', and neither is built in");
  }
}

Support MatmulDevice::supports(const LayerPlan& plan, Pass pass) const {
  if (pass == Pass::wu) return host_->supports(plan, pass);
  return supports_f32(plan, pass, {DType::f32, DType::bf16, DType::f16});
}

void MatmulDevice::multiply(Pass pass, const LayerPlan& plan, const Tensor& in, const WeightOperand& w,
                            const Tensor& bias, Tensor& out) {
  const RoundedWeight weight(w, plan.operands);
  const WeightOperand operand = weight.operand();
  const Tensor dense = operand.dense ? weight_rows(pass, *operand.dense) : Tensor();
  // Indices of each row, whatever rows share.
  const PackedWeight packed = operand.packed ? by_rows(*operand.packed) : PackedWeight();
  const MatrixProduct product =
      dense.defined() ? product_of(plan, pass, dense) : product_of(plan, pass, packed);
  lower(plan.geometry, product, rounded(in, plan.operands), bias, out, [&](const MatrixProduct& part) {
    matmul(part);
    synchronize();
  });
}

void MatmulDevice::forward(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                           Tensor& y) {
  const Stopwatch watch(counters_.count(Pass::ff, plan, y).nanoseconds);
  multiply(Pass::ff, plan, x, w, bias, y);
}

void MatmulDevice::backward_data(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w,
                                 Tensor& dx) {
  const Stopwatch watch(counters_.count(Pass::bp, plan, dy).nanoseconds);
  multiply(Pass::bp, plan, dy, w, {}, dx);
}

void MatmulDevice::backward_weights(const LayerPlan& plan, const SampleKey& key, const Tensor& x,
                                    const Tensor& dy, Tensor& dw, Tensor& dbias) {
  const Stopwatch watch(counters_.count(Pass::wu, plan, dy).nanoseconds);
  const MemoryFormat format = host_->activation_format_of(x.dim(0));
  host_->backward_weights(plan, key, x.to(format), dy.to(format), dw, dbias);
}

PackedWeight MatmulDevice::compress(const Tensor& weight, GroupAxis axis, Pattern pattern) {
  const Stopwatch watch(counters_.compress_nanoseconds);
  return host_->compress(weight, axis, pattern);
}

void MatmulDevice::update(const UpdateArgs& args) {
  const Stopwatch watch(counters_.update_nanoseconds);
  host_->update(args);
}

}  // namespace satsuma
