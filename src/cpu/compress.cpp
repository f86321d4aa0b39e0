#include "src/cpu/compress.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/sparse/pairwise.hpp"

namespace satsuma::cpu {

namespace {

/// Compresses sixteen packed rows (fewer at the end) of one tap.
class RowCompressor {
 public:
  RowCompressor(const Tensor& weight, PackedWeight& packed)
      : weight_(weight.data<float>()),
        values_(packed.values.data<float>()),
        indices_(packed.indices.data<std::uint8_t>()),
        pattern_(packed.pattern),
        taps_(weight.dim(2) * weight.dim(3)),
        rows_(packed.rows()),
        kept_(packed.kept()) {
    const bool along_inputs = packed.axis == GroupAxis::input_channels;
    const std::int64_t in = weight.dim(1);
    // Element (k, c) of tap t lies at (k * taps + t) * C + c in channels-last memory.
    channels_ = along_inputs ? in : weight.dim(0);
    row_stride_ = along_inputs ? taps_ * in : 1;
    channel_stride_ = along_inputs ? 1 : taps_ * in;
    tap_stride_ = in;
  }

  std::int64_t pieces() const { return ceil_div(rows_, kLanes) * taps_; }

  void piece(std::int64_t index) {
    const std::int64_t first_row = index / taps_ * kLanes;
    const std::int64_t tap = index % taps_;
    rows_here_ = std::min(kLanes, rows_ - first_row);
    const float* const from = weight_ + first_row * row_stride_ + tap * tap_stride_;
    std::int64_t to = (first_row * taps_ + tap) * kept_;
    row_base_ = to;
    index_base_ = (first_row / pattern_.shared * taps_ + tap) * kept_;
    // Whole groups, and whole squares for the transpose where a group is no longer than one.
    const std::int64_t run = std::max<std::int64_t>(pattern_.m, kLanes / pattern_.m * pattern_.m);
    for (std::int64_t first = 0; first < channels_; first += run) {
      const std::int64_t last = std::min(first + run, channels_);
      gather(from + first * channel_stride_, last - first);
      for (std::int64_t begin = first; begin < last; begin += pattern_.m) {
        const std::int64_t length = std::min<std::int64_t>(pattern_.m, last - begin);
        const std::int64_t kept = kept_in_group(pattern_, length);
        group(lanes_ + (begin - first) * kLanes, length, kept, to);
        to += kept;
      }
    }
  }

 private:
  /// Copies `length` channels of the rows at hand to `lanes_`, [channel][row].
  void gather(const float* from, std::int64_t length) {
    if (rows_here_ == kLanes && row_stride_ == 1) {
      for (std::int64_t i = 0; i < length; ++i)
        std::copy_n(from + i * channel_stride_, kLanes, lanes_ + i * kLanes);
    } else if (rows_here_ == kLanes && channel_stride_ == 1 && length == kLanes) {
      kernels().transpose_square(from, row_stride_, lanes_, kLanes);
    } else {
      for (std::int64_t i = 0; i < length; ++i) {
        for (std::int64_t row = 0; row < kLanes; ++row) {
          lanes_[i * kLanes + row] = row < rows_here_ ? from[i * channel_stride_ + row * row_stride_] : 0.0f;
        }
      }
    }
  }

  void group(const float* values, std::int64_t length, std::int64_t kept, std::int64_t to) {
    std::uint32_t chosen[2 * kLanes];
    const float* ranked = values;
    if (pattern_.shared > 1) {
      // Of the rows that share positions, in each of their lanes.
      for (std::int64_t i = 0; i < length * kLanes; ++i) sums_[i] = values[i] * values[i];
      pairwise_sums(sums_, static_cast<std::size_t>(length * kLanes),
                    static_cast<std::size_t>(pattern_.shared));
      ranked = sums_;
    }
    kernels().select({ranked, static_cast<int>(length), static_cast<int>(kept), chosen});
    for (std::int64_t row = 0; row < rows_here_; ++row) {
      std::int64_t at = to + row * taps_ * kept_;
      const bool first = row % pattern_.shared == 0;
      std::uint8_t* index = indices_ + index_base_ + (to - row_base_) + row / pattern_.shared * taps_ * kept_;
      std::uint64_t left = chosen[row] | std::uint64_t{chosen[kLanes + row]} << 32;
      for (; left != 0; left &= left - 1, ++at, ++index) {
        const int i = std::countr_zero(left);
        values_[at] = values[i * kLanes + row];
        if (first) *index = static_cast<std::uint8_t>(i);
      }
    }
  }

  const float* weight_;
  float* values_;
  std::uint8_t* indices_;
  Pattern pattern_;
  std::int64_t taps_;
  std::int64_t rows_;
  std::int64_t kept_;
  std::int64_t channels_;
  std::int64_t row_stride_;
  std::int64_t channel_stride_;
  std::int64_t tap_stride_;
  std::int64_t rows_here_ = 0;
  std::int64_t row_base_ = 0;    ///< places of the rows at hand in values_ and
  std::int64_t index_base_ = 0;  ///< in indices_
  alignas(64) float lanes_[64 * kLanes];
  alignas(64) float sums_[64 * kLanes];
};

}  // namespace

PackedWeight compress(const Tensor& weight, GroupAxis axis, Pattern pattern) {
  PackedWeight packed = empty_packed(weight, axis, pattern);
  parallel_for(RowCompressor(weight, packed).pieces(), 1, [&](std::int64_t begin, std::int64_t end) {
    RowCompressor compressor(weight, packed);
    for (std::int64_t i = begin; i < end; ++i) compressor.piece(i);
  });
  return packed;
}

PackedWeight documented(const PackedWeight& packed) {
  return packed.values.defined() ? packed : compress(packed.source, packed.axis, packed.pattern);
}

Tensor mask_ff(const UpdateArgs& args) {
  if (args.sr_ste == 0) return {};
  const Tensor& weight = args.weight;
  const Pattern pattern = args.pattern;
  const PackedWeight packed = compress(weight, GroupAxis::input_channels, pattern);
  Tensor mask = Tensor::zeros(weight.shape(), DType::f32, MemoryFormat::channels_last);
  float* const to = mask.data<float>();
  const std::uint8_t* const indices = std::as_const(packed.indices).data<std::uint8_t>();
  const std::int64_t channels = weight.dim(1);
  const std::int64_t kept = packed.kept();
  const std::int64_t taps = weight.dim(2) * weight.dim(3);
  const auto index_row = [&](std::int64_t row) { return row / (taps * pattern.shared) * taps + row % taps; };
  // A row of packed values for each (k, r, s), as there is a row of C elements in channels-last memory.
  parallel_for(packed.rows() * taps, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      for (std::int64_t j = 0; j < kept; ++j) {
        to[row * channels + j / pattern.n * pattern.m + indices[index_row(row) * kept + j]] = 1.0f;
      }
    }
  });
  return mask;
}

}  // namespace satsuma::cpu
