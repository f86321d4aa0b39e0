#include "src/cpu/pruned_form.hpp"

#include <algorithm>
#include <bit>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/update.hpp"

namespace satsuma::cpu {

namespace {

/// True for patterns that the kernel for squares of sixteen by sixteen knows.
bool fits_squares(Pattern pattern) {
  return kSquare % pattern.m == 0 && pattern.n < pattern.m && pattern.n <= kMostKept;
}

}  // namespace

std::int64_t pruned_unit(Pattern pattern) {
  return kSquare % pattern.m == 0 ? kSquare : pattern.m;
}

/// Compresses the pixels of one thread. Images are the lanes that batch-blocked memory has side by side.
class PrunedForm::Writer {
 public:
  Writer(const PrunedForm& form, const float* dy, std::int64_t row_bytes)
      : form_(form), dy_(dy), row_bytes_(row_bytes) {}

  void pixel(std::int64_t pixel) {
    const Pattern pattern = form_.pattern_;
    for (std::int64_t block = 0; block < form_.blocks(); ++block) {
      per_image_ = form_.per_image(block);
      to_ = const_cast<NmEntry*>(form_.entries(pixel, block));
      block_ = dy_ + (pixel * form_.channels_ + block * form_.channel_block_) * kLanes;
      const std::int64_t channels =
          std::min(form_.channel_block_, form_.channels_ - block * form_.channel_block_);
      std::int64_t first = 0;
      if (fits_squares(pattern)) {
        for (; first + kSquare <= channels; first += kSquare) square(first);
      }
      for (; first < channels; first += pattern.m)
        group(first, std::min<std::int64_t>(pattern.m, channels - first));
    }
  }

 private:
  std::uint32_t offset(std::int64_t channel) const {
    return static_cast<std::uint32_t>(channel * row_bytes_);
  }

  void square(std::int64_t first) {
    std::uint32_t offsets[kSquare];
    for (int i = 0; i < kSquare; ++i) offsets[i] = offset(first + i);
    CompressArgs args;
    args.values = block_ + first * kLanes;
    args.stride = kLanes;
    args.n = form_.pattern_.n;
    args.m = form_.pattern_.m;
    args.offsets = offsets;
    for (int g = 0; g < kSquare / args.m; ++g) {
      args.groups[g].to = reinterpret_cast<char*>(to_ + kept_along(form_.pattern_, first + g * args.m));
      args.groups[g].stride = per_image_ * static_cast<std::int64_t>(sizeof(NmEntry));
    }
    update_kernels().compress(args);
  }

  void group(std::int64_t first, std::int64_t length) {
    alignas(64) std::uint32_t chosen[2 * kLanes];
    const float* const values = block_ + first * kLanes;
    const auto kept = static_cast<int>(kept_in_group(form_.pattern_, length));
    kernels().select({values, static_cast<int>(length), kept, chosen});
    for (std::int64_t image = 0; image < kLanes; ++image) {
      NmEntry* to = to_ + image * per_image_ + kept_along(form_.pattern_, first);
      std::uint64_t left = chosen[image] | std::uint64_t{chosen[kLanes + image]} << 32;
      for (; left != 0; left &= left - 1) {
        const int i = std::countr_zero(left);
        *to++ = {values[i * kLanes + image], offset(first + i)};
      }
    }
  }

  const PrunedForm& form_;
  const float* dy_;
  std::int64_t row_bytes_;
  std::int64_t per_image_ = 0;
  NmEntry* to_ = nullptr;
  const float* block_ = nullptr;
};

PrunedForm::PrunedForm(const Tensor& dy, Pattern pattern, std::int64_t channel_block, std::int64_t row_bytes)
    : pattern_(pattern), channels_(dy.dim(1)), channel_block_(channel_block) {
  const std::int64_t pixels = ceil_div(dy.dim(0), kLanes) * dy.dim(2) * dy.dim(3);
  memory_ = allocate_host(static_cast<std::size_t>(pixels * kept_along(pattern, channels_) * kLanes) *
                          sizeof(NmEntry));
  entries_ = reinterpret_cast<NmEntry*>(memory_.get());
  parallel_for(pixels, 4, [&](std::int64_t begin, std::int64_t end) {
    Writer writer(*this, dy.data<float>(), row_bytes);
    for (std::int64_t pixel = begin; pixel < end; ++pixel) writer.pixel(pixel);
  });
}

std::int64_t PrunedForm::kept_before(std::int64_t block) const {
  return kept_along(pattern_, std::min(block * channel_block_, channels_));
}

const NmEntry* PrunedForm::entries(std::int64_t pixel, std::int64_t block) const {
  return entries_ + (pixel * kept_along(pattern_, channels_) + kept_before(block)) * kLanes;
}

}  // namespace satsuma::cpu
