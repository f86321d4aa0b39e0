#include "src/devices/sat/emulator/stce.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/sat/schedule.hpp"
#include "src/cpu/implementations.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/weight_gradient.hpp"
#include "src/devices/sat/emulator/view.hpp"
#include "src/devices/sat/halves.hpp"

namespace satsuma::sat::driver {

namespace {

/// Adding a product with zero tells -0 from 0 only where the sum is -0, and it is only where it began so.
bool starts_at_negative_zero(const Tensor& bias) {
  if (!bias.defined()) return false;
  const float* const values = bias.data<float>();
  return std::any_of(values, values + bias.numel(),
                     [](float value) { return std::bit_cast<std::uint32_t>(value) == 0x80000000u; });
}

/// Lanes without an image: products of their zeros with infinite weights are no numbers.
void clear_padding_lanes(Tensor& tensor) {
  const std::int64_t lanes = tensor.dim(0) % kLanes;
  if (lanes == 0) return;
  float* const from =
      tensor.data<float>() + tensor.dim(0) / kLanes * (tensor.numel() / tensor.dim(0)) * kLanes;
  float* const end = tensor.data<float>() + tensor.extent();
  for (float* at = from; at < end; at += kLanes) std::fill(at + lanes, at + kLanes, 0.0f);
}

/// dbias[k] += dy[block][p][q][k][image], image by image.
void add_bias_gradient(const Tensor& dy, float* dbias) {
  const std::int64_t images = dy.dim(0), channels = dy.dim(1), pixels = dy.dim(2) * dy.dim(3);
  const float* const from = dy.data<float>();
  parallel_for(ceil_div(channels, kLanes), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t group = begin; group < end; ++group) {
      const std::int64_t first = group * kLanes;
      const std::int64_t count = std::min(kLanes, channels - first);
      alignas(64) float sums[kLanes] = {};
      alignas(64) float rows[kLanes * kLanes];  // [image][channel]
      for (std::int64_t i = 0; i < ceil_div(images, kLanes) * pixels; ++i) {
        cpu::kernels().transpose(from + (i * channels + first) * kLanes, static_cast<int>(count), rows,
                                 kLanes);
        const std::int64_t lanes = std::min(kLanes, images - i / pixels * kLanes);
        for (std::int64_t n = 0; n < lanes; ++n) {
          for (std::int64_t k = 0; k < kLanes; ++k) sums[k] += rows[n * kLanes + k];
        }
      }
      std::copy_n(sums, count, dbias + first);
    }
  });
}

Shape x_shape(const Contract& c) {
  return {c.images, c.geometry.in_channels, c.in_size[0], c.in_size[1]};
}
Shape y_shape(const Contract& c) {
  return {c.images, c.geometry.out_channels, c.out_size[0], c.out_size[1]};
}

}  // namespace

void Stce::run(const Contract& command) {
  switch (command.pass) {
    case Pass::ff:
      return forward(command);
    case Pass::bp:
      return backward_data(command);
    case Pass::wu:
      return backward_weights(command);
  }
}

void Stce::forward(const Contract& c) {
  const Weight& w = weight_of(c);
  const Tensor x = operand(c.x, x_shape(c));
  const Tensor bias = c.bias == kNowhere
                          ? Tensor()
                          : view_of(dram_, c.bias, {c.geometry.out_channels}, MemoryFormat::row_major);
  Tensor y = view_of(dram_, c.result, y_shape(c), MemoryFormat::batch_blocked);
  cpu::SumOrder order{channel_unit(c.pattern), !w.finite || starts_at_negative_zero(bias)};
  // Under one tap there is one order, whatever the tile.
  if (c.geometry.kernel == Pair{1, 1}) order.channel_block = 0;
  cpu::forward(c.geometry, x, w.operand(), bias, y, order);
  if (!w.finite) clear_padding_lanes(y);
}

void Stce::backward_data(const Contract& c) {
  const Weight& w = weight_of(c);
  const Tensor dy = operand(c.dy, y_shape(c));
  Tensor dx = view_of(dram_, c.result, x_shape(c), MemoryFormat::batch_blocked);
  cpu::SumOrder order{channel_unit(c.pattern), !w.finite};
  if (c.geometry.kernel == Pair{1, 1}) order.channel_block = 0;
  cpu::backward_data(c.geometry, dy, w.operand(), dx, order);
  if (!w.finite) clear_padding_lanes(dx);
}

void Stce::backward_weights(const Contract& c) {
  bool finite = true;
  const Tensor dy = operand(c.dy, y_shape(c), &finite);
  const Tensor x = operand(c.x, x_shape(c));
  Tensor dw = view_of(dram_, c.result, c.geometry.weight_shape(), MemoryFormat::channels_last);
  cpu::weight_gradient(c.geometry, {}, x, dy, dw, {.skip_padding = !finite, .one_sum = true});
  if (c.dbias == kNowhere) return;
  const Tensor whole = c.bias_dy == c.dy ? dy : operand(c.bias_dy, y_shape(c));
  add_bias_gradient(whole, dram_.at<float>(c.dbias, c.geometry.out_channels));
}

Stce::Weight Stce::decode(const Contract& c) const {
  const bool along_inputs = c.pass == Pass::ff;
  const Shape shape = c.geometry.weight_shape();
  Weight weight;
  Tensor* values = &weight.dense;
  if (c.indices == kNowhere) {
    weight.dense = Tensor::empty(shape, DType::f32, MemoryFormat::channels_last);
  } else {
    PackedWeight& packed = weight.packed;
    packed.pattern = c.pattern;
    packed.axis = along_inputs ? GroupAxis::input_channels : GroupAxis::output_channels;
    packed.dense_shape = shape;
    const Shape kept = {shape[along_inputs ? 0 : 1], shape[2], shape[3],
                        kept_along(c.pattern, shape[along_inputs ? 1 : 0])};
    packed.values = Tensor::empty(kept);
    packed.indices = Tensor::empty(packed.index_shape(), DType::u8);
    std::memcpy(packed.indices.raw(), dram_.at<std::uint8_t>(c.indices, packed.indices.numel()),
                static_cast<std::size_t>(packed.indices.numel()));
    values = &packed.values;
  }
  const std::int64_t count = values->numel();
  weight.bytes = 2 * count;
  weight.finite = to_floats(dram_.at<std::uint16_t>(c.weight, count), count, values->data<float>());
  return weight;
}

const Stce::Weight& Stce::weight_of(const Contract& c) {
  if (c.indices == kNowhere) return dense_ = decode(c);
  const auto known = decoded_.find(c.weight);
  if (known != decoded_.end()) return known->second;
  return decoded_.emplace(c.weight, decode(c)).first->second;
}

void Stce::written(Address address, std::int64_t bytes) {
  const Address end = address + static_cast<Address>(bytes);
  auto entry = decoded_.lower_bound(address);
  if (entry != decoded_.begin()) {
    const auto before = std::prev(entry);
    if (before->first + static_cast<Address>(before->second.bytes) > address) entry = before;
  }
  while (entry != decoded_.end() && entry->first < end) entry = decoded_.erase(entry);
}

Tensor Stce::operand(Address address, const Shape& shape, bool* finite) const {
  Tensor tensor = Tensor::empty(shape, DType::f32, MemoryFormat::batch_blocked);
  const std::int64_t count = tensor.extent();
  const bool all = to_floats(dram_.at<std::uint16_t>(address, count), count, tensor.data<float>());
  if (finite != nullptr) *finite = all;
  return tensor;
}

}  // namespace satsuma::sat::driver
