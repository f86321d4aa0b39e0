#include "src/plugins/convert.hpp"

#include <algorithm>

namespace satsuma::plugin_host {

namespace {

std::int32_t to_c(MemoryFormat format) {
  switch (format) {
    case MemoryFormat::row_major:
      return SATSUMA_ROW_MAJOR;
    case MemoryFormat::channels_last:
      return SATSUMA_CHANNELS_LAST;
    case MemoryFormat::batch_blocked:
      break;
  }
  return SATSUMA_BATCH_BLOCKED;
}

}  // namespace

MemoryFormat format_from_c(std::int32_t format) {
  return format == SATSUMA_ROW_MAJOR       ? MemoryFormat::row_major
         : format == SATSUMA_CHANNELS_LAST ? MemoryFormat::channels_last
                                           : MemoryFormat::batch_blocked;
}

std::int32_t to_c(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return SATSUMA_F32;
    case DType::f64:
      return SATSUMA_F64;
    case DType::bf16:
      return SATSUMA_BF16;
    case DType::f16:
      return SATSUMA_F16;
    case DType::i64:
      return SATSUMA_I64;
    case DType::u8:
      break;
  }
  return SATSUMA_U8;
}

satsuma_tensor to_c(const Tensor& tensor, MemoryFormat format) {
  satsuma_tensor result{};
  result.data = const_cast<std::byte*>(tensor.raw());  // plain C says by the argument what is written
  result.dtype = to_c(tensor.dtype());
  result.format = to_c(format);
  result.rank = tensor.rank();
  result.lanes = static_cast<std::int32_t>(tensor.lanes());
  std::copy_n(tensor.shape().begin(), tensor.rank(), result.shape);
  std::copy_n(tensor.layout().strides.begin(), tensor.rank(), result.strides);
  return result;
}

satsuma_geometry to_c(const Geometry& geometry) {
  const auto pair = [](const Pair& from, std::int64_t* to) { std::copy(from.begin(), from.end(), to); };
  satsuma_geometry result{};
  result.in_channels = geometry.in_channels;
  result.out_channels = geometry.out_channels;
  pair(geometry.kernel, result.kernel);
  pair(geometry.stride, result.stride);
  pair(geometry.padding, result.padding);
  pair(geometry.dilation, result.dilation);
  result.groups = geometry.groups;
  return result;
}

satsuma_pattern to_c(Pattern pattern) {
  return {pattern.n, pattern.m};
}

std::int32_t to_c(OperandKind gradient) {
  switch (gradient) {
    case OperandKind::pruned:
      return SATSUMA_PRUNED;
    case OperandKind::sampled:
      return SATSUMA_SAMPLED;
    default:
      return SATSUMA_DENSE;
  }
}

satsuma_request request_of(const LayerPlan& plan, Pass pass) {
  satsuma_request result{};
  result.geometry = to_c(plan.geometry);
  result.pass = static_cast<std::int32_t>(pass);
  result.dtype = to_c(plan.dtype);
  result.operands = to_c(plan.operands);
  // A masked weight comes as a dense tensor.
  result.weight = to_c(plan[pass].weight.skips() ? plan[pass].weight.pattern : Pattern());
  result.gradient = to_c(plan[pass].gradient.pattern);
  result.gradient_kind = to_c(plan[pass].gradient.kind);
  return result;
}

satsuma_pass pass_of(const LayerPlan& plan, Pass pass) {
  satsuma_pass result{};
  result.geometry = to_c(plan.geometry);
  result.operands = to_c(plan.operands);
  result.gradient = to_c(plan[pass].gradient.pattern);
  result.gradient_kind = to_c(plan[pass].gradient.kind);
  return result;
}

satsuma_packed to_c(const PackedWeight& packed) {
  satsuma_packed result{};
  result.pattern = to_c(packed.pattern);
  result.axis = packed.axis == GroupAxis::input_channels ? SATSUMA_INPUT_CHANNELS : SATSUMA_OUTPUT_CHANNELS;
  result.dtype = to_c(packed.values.dtype());
  result.rows = packed.rows();
  result.kernel[0] = packed.values.dim(1);
  result.kernel[1] = packed.values.dim(2);
  result.channels = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];
  result.kept = packed.kept();
  result.values = const_cast<std::byte*>(packed.values.raw());
  result.indices = const_cast<std::uint8_t*>(packed.indices.data<std::uint8_t>());
  return result;
}

satsuma_matmul to_c(const MatrixProduct& product) {
  satsuma_matmul result{};
  result.rows = product.rows;
  result.segments = product.segments;
  result.length = product.length;
  result.kept = product.kept;
  result.columns = product.columns;
  result.pattern = to_c(product.pattern);
  result.operands = to_c(product.operands);
  result.pass = static_cast<std::int32_t>(product.pass);
  result.a = product.a;
  result.indices = product.indices;
  result.b = product.b;
  result.c = product.c;
  return result;
}

static_assert(static_cast<int>(Pass::ff) == SATSUMA_FF && static_cast<int>(Pass::bp) == SATSUMA_BP &&
              static_cast<int>(Pass::wu) == SATSUMA_WU);

}  // namespace satsuma::plugin_host
