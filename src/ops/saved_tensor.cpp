#include "src/ops/saved_tensor.hpp"

#include "satsuma/core/autograd_meta.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/ops/kernels/kernels.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// A bf16 copy of a dense tensor of f32.
Tensor narrowed(const Tensor& x) {
  Tensor copy = empty_as(x, DType::bf16);
  const float* const from = x.data<float>();
  std::uint16_t* const to = bits_of(copy);
  parallel_for(x.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    const kernels::Patch patch = {1, end - begin, end - begin};
    kernels::active<float>().narrow(from + begin, patch, nullptr, to + begin);
  });
  return copy;
}

/// What another op keeps of `of`, or null.
std::shared_ptr<const Tensor> shared_copy(const Tensor& of) {
  const auto& meta = of.autograd();
  if (!meta || meta->narrow_version != of.version()) return nullptr;
  return meta->narrow.lock();
}

/// True when `x` has the elements of `of`, all of them, and both are without gaps.
bool same_elements(const Tensor& x, const Tensor& of) {
  return x.raw() == of.raw() && x.extent() == of.extent() && x.is_dense() && of.is_dense();
}

}  // namespace

bool keeps_narrow(const Tensor& x) {
  return saved_precision() == DType::bf16 && x.dtype() == DType::f32;
}

const std::uint16_t* bits_of(const Tensor& narrow) {
  return &narrow.data<BFloat16>()->bits;
}

std::uint16_t* bits_of(Tensor& narrow) {
  return &narrow.data<BFloat16>()->bits;
}

SavedTensor::SavedTensor(const Tensor& x, DType precision) : SavedTensor(x.detach(), x, precision) {}

SavedTensor::SavedTensor(const Tensor& x, const Tensor& of, DType precision) : kept_(x) {
  if (precision != DType::bf16 || x.dtype() != DType::f32) return;
  const bool shares = same_elements(x, of);
  copy_ = shares ? shared_copy(of) : nullptr;
  if (copy_) {
    kept_ = copy_->view(x.shape(), x.layout());
    return;
  }
  kept_ = narrowed(x.is_dense() ? x : x.clone());
  copy_ = std::make_shared<const Tensor>(kept_);
  if (shares) share_with(of);
}

SavedTensor SavedTensor::of_rounded(const Tensor& copy) {
  SavedTensor result;
  result.kept_ = copy;
  result.copy_ = std::make_shared<const Tensor>(copy);
  return result;
}

Tensor SavedTensor::wide() const {
  if (!narrow()) return kept();
  Tensor copy = empty_as(kept(), DType::f32);
  const std::uint16_t* const from = bits_of(kept());
  float* const to = copy.data<float>();
  parallel_for(copy.extent(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    kernels::active<float>().widen(from + begin, to + begin, end - begin);
  });
  return copy;
}

void SavedTensor::share_with(const Tensor& y) const {
  const auto& meta = y.autograd();
  if (!meta || !copy_) return;
  meta->narrow = copy_;
  meta->narrow_version = y.version();
}

}  // namespace satsuma::ops
