#include "src/conformance/operands.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/device/registry.hpp"

namespace satsuma::conformance {

namespace {

/// All of the storage, padding lanes included.
void fill_storage(Tensor& tensor, double value) {
  dispatch_real("conformance", tensor.dtype(), [&](auto element) {
    using T = decltype(element);
    std::fill_n(tensor.data<T>(), tensor.extent(), static_cast<T>(value));
  });
}

GroupAxis axis_of(Pass pass) {
  return pass == Pass::ff ? GroupAxis::input_channels : GroupAxis::output_channels;
}

}  // namespace

Tensor draw(Rng& rng, const Shape& shape, DType dtype, MemoryFormat format, bool ties) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) {
    value = 2.0 * static_cast<double>(rng.uniform()) - 1.0;
    if (ties) value = std::round(value * 8) / 8;
  }
  Tensor tensor = Tensor::empty(shape, dtype, format);
  fill_storage(tensor, 777);
  tensor.copy_from(Tensor::from(values, shape));
  return tensor;
}

Tensor poisoned(Device& device, const Shape& shape, DType dtype, MemoryFormat format) {
  const Layout layout = layout_of(shape, format);
  const auto bytes = static_cast<std::size_t>(storage_extent(shape, layout)) * size_of(dtype);
  Tensor tensor = Tensor::over(device.allocate(bytes), shape, layout, dtype);
  fill_storage(tensor, std::numeric_limits<double>::quiet_NaN());
  return tensor;
}

Tensor on_device(Device& device, const Tensor& tensor) {
  const auto bytes = static_cast<std::size_t>(tensor.extent()) * size_of(tensor.dtype());
  Tensor copy = Tensor::over(device.allocate(bytes), tensor.shape(), tensor.layout(), tensor.dtype());
  fill_storage(copy, 777);
  copy.copy_from(tensor);
  return copy;
}

double tolerance(std::int64_t length, DType dtype) {
  const double epsilon = dtype == DType::f64 ? std::numeric_limits<double>::epsilon()
                                             : static_cast<double>(std::numeric_limits<float>::epsilon());
  return static_cast<double>(length + 8) * epsilon;
}

bool same_packed(const PackedWeight& a, const PackedWeight& b) {
  return a.pattern == b.pattern && a.axis == b.axis && a.dense_shape == b.dense_shape && a.defined() &&
         b.defined() && a.values.shape() == b.values.shape() && a.values.dtype() == b.values.dtype() &&
         a.indices.shape() == b.indices.shape() &&
         a.values.to_vector<double>() == b.values.to_vector<double>() &&
         a.indices.to_vector<std::uint8_t>() == b.indices.to_vector<std::uint8_t>();
}

Operands::Operands(Rng& rng, const Case& layer, Types types, MemoryFormat format)
    : format(format),
      x(draw(rng, layer.input, types.tensors, format)),
      dy(draw(rng, layer.output(), types.tensors, format)),
      weight(draw(rng, layer.geometry.weight_shape(), types.tensors, MemoryFormat::channels_last)) {
  if (rng.below(2)) bias = draw(rng, {layer.geometry.out_channels}, types.tensors, MemoryFormat::row_major);
}

PassWeight::PassWeight(Device& packer, const Case& layer, Pass pass, const Tensor& weight) {
  if (pass == Pass::wu || layer.kind != OperandKind::packed || layer.pattern.dense()) {
    dense_ = weight;
  } else {
    packed_ = packer.compress(weight, axis_of(pass), layer.pattern);
  }
}

WeightOperand PassWeight::operand() const {
  if (dense_.defined()) return {.dense = &dense_};
  return {.packed = &packed_};
}

PassResult run_pass(Device& device, const Case& layer, Types types, Pass pass, const Operands& operands,
                    const PassWeight& weight, const SampleKey& key) {
  const bool fits = operands.format == device.activation_format_of(layer.input[0]);
  const MemoryFormat format = fits ? operands.format : device.activation_format();
  const LayerPlan plan = layer.plan(types);
  const Tensor x = operands.x.to(format);
  const Tensor dy = operands.dy.to(format);
  PassResult result;
  switch (pass) {
    case Pass::ff:
      result.main = poisoned(device, layer.output(), types.tensors, format);
      device.forward(plan, x, weight.operand(), operands.bias, result.main);
      break;
    case Pass::bp:
      result.main = poisoned(device, layer.input, types.tensors, format);
      device.backward_data(plan, dy, weight.operand(), result.main);
      break;
    case Pass::wu:
      result.main = poisoned(device, operands.weight.shape(), types.tensors, MemoryFormat::channels_last);
      if (operands.bias.defined()) {
        result.dbias = poisoned(device, operands.bias.shape(), types.tensors, MemoryFormat::row_major);
      }
      device.backward_weights(plan, key, x, dy, result.main, result.dbias);
      break;
  }
  device.synchronize();
  return result;
}

Types own_types(const Device& device) {
  return {"own", DType::f32, device.default_operands()};
}

Support ask(const Device& device, const Case& layer, Types types, Pass pass) {
  return device.supports(layer.plan(types), pass);
}

std::shared_ptr<Device> make_reference() {
  if (auto reference = make_built_in("reference")) return reference;
  throw DeviceError("conformance needs the device 'reference', which is not built in; build with it");
}

}  // namespace satsuma::conformance
