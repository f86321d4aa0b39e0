#include "src/cpu/pruned_form.hpp"

#include <algorithm>
#include <bit>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/half.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/bf16.hpp"
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
    for (std::int64_t block = 0; block < form_.blocks(); ++block) {
      const std::int64_t channels = form_.channels_in(block);
      const std::int64_t kept = kept_along(form_.pattern_, channels);
      block_ = dy_ + (pixel * form_.channels_ + block * form_.channel_block_) * kLanes;
      std::byte* const to = form_.items(pixel, block);
      // Pairs of a group come from the kernel; others are made of entries.
      paired_ = form_.pairs_ && fits_squares(form_.pattern_) && form_.pattern_.n % 2 == 0 &&
                channels % kSquare == 0;
      if (form_.pairs_ && !paired_) {
        entries_.resize(static_cast<std::size_t>(kept * kLanes));
        write(channels, kept, reinterpret_cast<char*>(entries_.data()));
        pair_up(kept, reinterpret_cast<NmPair*>(to));
      } else {
        write(channels, paired_ ? kept / 2 : kept, reinterpret_cast<char*>(to));
        if (!paired_ && form_.operands_ != DType::f32) round(reinterpret_cast<NmEntry*>(to), kept * kLanes);
      }
    }
  }

 private:
  std::uint32_t offset(std::int64_t channel) const {
    return static_cast<std::uint32_t>(channel * row_bytes_);
  }

  /// A block of channels as items, `per_image` of each image.
  void write(std::int64_t channels, std::int64_t per_image, char* to) {
    to_ = to;
    per_image_ = per_image;
    std::int64_t first = 0;
    if (fits_squares(form_.pattern_)) {
      for (; first + kSquare <= channels; first += kSquare) square(first);
    }
    for (; first < channels; first += form_.pattern_.m)
      group(first, std::min<std::int64_t>(form_.pattern_.m, channels - first));
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
    args.pairs = paired_;
    for (int g = 0; g < kSquare / args.m; ++g) {
      args.groups[g].to =
          to_ + kept_along(form_.pattern_, first + g * args.m) / (paired_ ? 2 : 1) * kItemBytes;
      args.groups[g].stride = per_image_ * kItemBytes;
    }
    update_kernels().compress(args);
  }

  void group(std::int64_t first, std::int64_t length) {
    alignas(64) std::uint32_t chosen[2 * kLanes];
    const float* const values = block_ + first * kLanes;
    const auto kept = static_cast<int>(kept_in_group(form_.pattern_, length));
    kernels().select({values, static_cast<int>(length), kept, chosen});
    for (std::int64_t image = 0; image < kLanes; ++image) {
      NmEntry* to = reinterpret_cast<NmEntry*>(to_) + image * per_image_ + kept_along(form_.pattern_, first);
      std::uint64_t left = chosen[image] | std::uint64_t{chosen[kLanes + image]} << 32;
      for (; left != 0; left &= left - 1) {
        const int i = std::countr_zero(left);
        *to++ = {values[i * kLanes + image], offset(first + i)};
      }
    }
  }

  void pair_up(std::int64_t kept, NmPair* to) const {
    const NmEntry* from = entries_.data();
    for (std::int64_t image = 0; image < kLanes; ++image, from += kept) {
      for (std::int64_t j = 0; j < kept; j += 2) {
        const bool alone = j + 1 == kept;
        const NmEntry& second = from[alone ? j : j + 1];
        const std::uint32_t high = alone ? 0 : BFloat16(second.value).bits;
        *to++ = {BFloat16(from[j].value).bits | high << 16, static_cast<std::uint16_t>(from[j].offset),
                 static_cast<std::uint16_t>(second.offset)};
      }
    }
  }

  void round(NmEntry* entries, std::int64_t count) const {
    for (NmEntry* entry = entries; entry != entries + count; ++entry) {
      entry->value = form_.operands_ == DType::bf16 ? static_cast<float>(BFloat16(entry->value))
                                                    : static_cast<float>(Float16(entry->value));
    }
  }

  const PrunedForm& form_;
  const float* dy_;
  std::int64_t row_bytes_;
  const float* block_ = nullptr;
  bool paired_ = false;
  char* to_ = nullptr;
  std::int64_t per_image_ = 0;
  std::vector<NmEntry> entries_;
};

PrunedForm::PrunedForm(const Tensor& dy, Pattern pattern, std::int64_t channel_block, std::int64_t row_bytes,
                       DType operands, bool pairs)
    : pattern_(pattern),
      channels_(dy.dim(1)),
      channel_block_(channel_block),
      operands_(operands),
      pairs_(pairs) {
  const std::int64_t pixels = ceil_div(dy.dim(0), kLanes) * dy.dim(2) * dy.dim(3);
  const std::int64_t last = blocks() - 1;
  memory_ = allocate_host(
      static_cast<std::size_t>(pixels * (last * per_image(0) + per_image(last)) * kLanes * kItemBytes));
  parallel_for(pixels, 4, [&](std::int64_t begin, std::int64_t end) {
    Writer writer(*this, dy.data<float>(), row_bytes);
    for (std::int64_t pixel = begin; pixel < end; ++pixel) writer.pixel(pixel);
  });
}

std::int64_t PrunedForm::channels_in(std::int64_t block) const {
  return std::min(channel_block_, channels_ - block * channel_block_);
}

std::int64_t PrunedForm::per_image(std::int64_t block) const {
  const std::int64_t kept = kept_along(pattern_, channels_in(block));
  return pairs_ ? ceil_div(kept, 2) : kept;
}

std::byte* PrunedForm::items(std::int64_t pixel, std::int64_t block) const {
  const std::int64_t last = blocks() - 1;
  const std::int64_t of_pixel = last * per_image(0) + per_image(last);
  return memory_.get() + (pixel * of_pixel + block * per_image(0)) * kLanes * kItemBytes;
}

}  // namespace satsuma::cpu
