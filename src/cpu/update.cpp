#include "src/cpu/update.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "satsuma/core/parallel.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/forms.hpp"
#include "src/cpu/kernels/update.hpp"
#include "src/cpu/pair_forms.hpp"

namespace satsuma::cpu {

namespace {

/// Channels of a row that are updated before they are compressed. Sixteen rows of them stay in the
/// second-level cache, and runs of whole pages keep the memory busier than short ones.
constexpr std::int64_t kChunk = 512;

/// What offsets of entries and pairs count a channel as.
constexpr std::int64_t kChannelBytes = kLanes * 4;

/// Where the kept weights of a form go, group by group along the axis of the groups.
class FormTarget {
 public:
  /// Nothing where `packed` has no form of ours, or one that somebody else holds too.
  static std::optional<FormTarget> of(const PackedWeight* packed, GroupAxis axis, const UpdateArgs& args) {
    if (packed == nullptr || packed->device_form.use_count() != 1 || packed->axis != axis ||
        !(packed->pattern == args.pattern) || !(packed->dense_shape == args.weight.shape())) {
      return std::nullopt;
    }
    const std::int64_t channels = args.weight.dim(axis == GroupAxis::input_channels ? 1 : 0);
    if (auto* const form = dynamic_cast<NmForm*>(packed->device_form.get())) {
      FormTarget target(args, channels, form->channel_block, false);
      for (const NmWeights& block : form->blocks) target.add_block(block.entries, block.per_tap);
      return target;
    }
    auto* const form = dynamic_cast<NmPairForm*>(packed->device_form.get());
    if (form == nullptr || args.pattern.n % 2 != 0) return std::nullopt;
    FormTarget target(args, channels, form->channel_block, true);
    for (const NmPairWeights& block : form->blocks) target.add_block(block.pairs, block.per_tap);
    return target;
  }

  /// Compresses sixteen rows from `row` on, at sixteen channels from `channel` on.
  void compress(CompressArgs& args, std::int64_t row, std::int64_t tap, std::int64_t channel) const {
    args.pairs = pairs_;
    args.offsets = offsets_.data() + channel;
    for (int g = 0; g < kSquare / args.m; ++g) {
      const Group& group = groups_[static_cast<std::size_t>(channel / args.m + g)];
      args.groups[g] = {items(group, row, tap), taps_ * group.tap_bytes};
    }
    update_kernels().compress(args);
  }

  /// Copies `from` to `to` at those of `count` channels of a row, from a whole group at `channel` on, that
  /// the form keeps now.
  void copy_kept(std::int64_t row, std::int64_t tap, std::int64_t channel, std::int64_t count,
                 const float* from, float* to) const {
    const std::int64_t end = (channel + count) / pattern_.m;
    for (std::int64_t g = channel / pattern_.m; g < end; ++g) {
      const Group& group = groups_[static_cast<std::size_t>(g)];
      // In a shared item the offsets stand behind the weights of both rows.
      const char* item = items(group, row, tap) + (rows_ - 1) * static_cast<int>(sizeof(float));
      // Offsets count from the first channel of the group's block.
      const std::int64_t block = g * pattern_.m / channel_block_ * channel_block_ - channel;
      const auto copy = [&](std::uint32_t offset) {
        const std::int64_t c = block + offset / kChannelBytes;
        to[c] = from[c];
      };
      for (int j = 0; j < pattern_.n; j += pairs_ ? 2 : 1, item += item_bytes_) {
        if (pairs_) {
          const auto& pair = *reinterpret_cast<const NmPair*>(item);
          copy(pair.first);
          copy(pair.second);
        } else {
          copy(reinterpret_cast<const NmEntry*>(item)->offset);
        }
      }
    }
  }

 private:
  struct Group {
    char* to;
    std::int64_t tap_bytes;  ///< between the taps of a row
  };

  char* items(const Group& group, std::int64_t row, std::int64_t tap) const {
    return group.to + (row / rows_ * taps_ + tap) * group.tap_bytes;
  }

  FormTarget(const UpdateArgs& args, std::int64_t channels, std::int64_t channel_block, bool pairs)
      : pattern_(args.pattern),
        channels_(channels),
        channel_block_(channel_block),
        taps_(args.weight.dim(2) * args.weight.dim(3)),
        rows_(rows_together(args.pattern)),
        item_bytes_(rows_ == 1 ? kItemBytes : kSharedItemBytes),
        pairs_(pairs) {
    for (std::int64_t c = 0; c < channels; ++c)
      offsets_.push_back(static_cast<std::uint32_t>(c % channel_block * kChannelBytes));
  }

  void add_block(const void* items, int per_tap) {
    static_assert(sizeof(NmEntry) == kItemBytes && sizeof(NmPair) == kItemBytes &&
                  sizeof(NmSharedEntry) == kSharedItemBytes && sizeof(NmSharedPair) == kSharedItemBytes);
    char* to = static_cast<char*>(const_cast<void*>(items));
    const auto first = static_cast<std::int64_t>(groups_.size()) * pattern_.m;
    const std::int64_t last = std::min(first + channel_block_, channels_);
    for (std::int64_t c = first; c < last; c += pattern_.m) {
      groups_.push_back({to, per_tap * item_bytes_});
      to += (pairs_ ? pattern_.n / 2 : pattern_.n) * item_bytes_;
    }
  }

  Pattern pattern_;
  std::int64_t channels_;
  std::int64_t channel_block_;
  std::int64_t taps_;
  std::int64_t rows_;  ///< whose weights an item holds
  int item_bytes_;
  bool pairs_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> offsets_;
};

/// Whether whole squares of sixteen rows and channels with whole groups make up the weight.
bool has_squares(const UpdateArgs& args) {
  const Tensor& weight = args.weight;
  const Layout layout = layout_of(weight.shape(), MemoryFormat::channels_last);
  bool lie_alike = weight.layout() == layout && args.grad.layout() == layout;
  for (const Tensor& state : args.states)
    lie_alike = lie_alike && (!state.defined() || state.layout() == layout);
  return lie_alike && weight.dtype() == DType::f32 && weight.dim(0) % kSquare == 0 &&
         weight.dim(1) % kSquare == 0 && kSquare % args.pattern.m == 0 && !args.pattern.dense() &&
         args.pattern.n <= kMostKept;
}

/// One pass over the weights.
class FusedUpdate {
 public:
  /// With an SR-STE term `ff` is there: it says what W_ff of the present weight keeps.
  FusedUpdate(const UpdateArgs& args, const std::optional<FormTarget>& ff,
              const std::optional<FormTarget>& bp)
      : pattern_(args.pattern),
        rule_(*args.rule),
        lr_(static_cast<float>(args.lr)),
        sr_ste_(static_cast<float>(args.sr_ste)),
        ff_(ff),
        bp_(bp),
        channels_(args.weight.dim(1)),
        taps_(args.weight.dim(2) * args.weight.dim(3)) {
    Tensor weight = args.weight;
    weight_ = weight.data<float>();
    grad_ = args.grad.data<float>();
    for (std::size_t i = 0; i < kMostStates; ++i) {
      Tensor state = args.states[i];
      states_[i] = state.defined() ? state.data<float>() : nullptr;
    }
  }

  /// Sixteen rows from `row` on at one tap.
  void piece(std::int64_t row, std::int64_t tap) {
    for (std::int64_t first = 0; first < channels_; first += kChunk) {
      const std::int64_t count = std::min(kChunk, channels_ - first);
      for (std::int64_t r = 0; r < kSquare; ++r) update(row + r, tap, first, count, rows_ + r * kChunk);
      for (std::int64_t c = 0; c < count; c += kSquare) {
        fetch((row * taps_ + tap) * channels_ + first + count + c);
        square(row, tap, first, c);
      }
    }
  }

 private:
  /// Sixteen channels of sixteen rows, from memory while a square is compressed.
  void fetch(std::int64_t at) const {
    for (std::int64_t r = 0; r < kSquare; ++r, at += taps_ * channels_) {
      __builtin_prefetch(weight_ + at, 1, 2);
      __builtin_prefetch(grad_ + at, 0, 2);
      for (const float* const state : states_) {
        if (state != nullptr) __builtin_prefetch(state + at, 1, 2);
      }
    }
  }

  /// Some channels of a row: leaves the new weights in `copy`, too.
  void update(std::int64_t row, std::int64_t tap, std::int64_t first, std::int64_t count, float* copy) {
    const std::int64_t at = (row * taps_ + tap) * channels_ + first;
    UpdateRun<float> run;
    run.count = count;
    run.weight = weight_ + at;
    run.grad = grad_ + at;
    for (std::size_t i = 0; i < kMostStates; ++i) {
      if (states_[i] != nullptr) run.states[i] = states_[i] + at;
    }
    run.direction = copy;
    if (sr_ste_ != 0) {
      for (std::int64_t i = 0; i < count; ++i) terms_[i] = run.grad[i] + sr_ste_ * run.weight[i];
      ff_->copy_kept(row, tap, first, count, run.grad, terms_);
      run.grad = terms_;
    }
    rule_.direction(run);
    float* const weight = weight_ + at;
    for (std::int64_t i = 0; i < count; ++i) {
      weight[i] -= lr_ * copy[i];
      copy[i] = weight[i];
    }
  }

  void square(std::int64_t row, std::int64_t tap, std::int64_t first, std::int64_t c) {
    kernels().transpose_square(rows_ + c, kChunk, columns_, kSquare);
    if (ff_) ff_->compress(by_rows_, row, tap, first + c);
    by_columns_.values = rows_ + c;
    if (bp_) bp_->compress(by_columns_, first + c, tap, row);
  }

  Pattern pattern_;
  const UpdateRule& rule_;
  float lr_;
  float sr_ste_;
  const std::optional<FormTarget>& ff_;
  const std::optional<FormTarget>& bp_;
  std::int64_t channels_;
  std::int64_t taps_;
  float* weight_;
  const float* grad_;
  std::array<float*, kMostStates> states_ = {};
  alignas(64) float terms_[kChunk];               ///< gradients with their SR-STE term
  alignas(64) float rows_[kSquare * kChunk];      ///< [row][channel of the chunk]
  alignas(64) float columns_[kSquare * kSquare];  ///< [channel][row] of the square at hand
  CompressArgs by_rows_ = {columns_, kSquare, pattern_.n, pattern_.m, pattern_.shared, nullptr, false, {}};
  CompressArgs by_columns_ = {rows_, kChunk, pattern_.n, pattern_.m, pattern_.shared, nullptr, false, {}};
};

/// What the form of `packed` now stands for.
void renewed(PackedWeight& packed, const Tensor& weight) {
  packed.values = {};
  packed.indices = {};
  packed.source = weight;
}

}  // namespace

void update(const UpdateArgs& args) {
  check_update(args);
  if (args.rule->layerwise()) return update(descent_of(args, mask_ff(args)));
  std::optional<FormTarget> ff, bp;
  if (has_squares(args)) {
    ff = FormTarget::of(args.packed_ff, GroupAxis::input_channels, args);
    bp = FormTarget::of(args.packed_bp, GroupAxis::output_channels, args);
  }
  if (args.sr_ste != 0 && !ff) bp.reset();
  if (ff || bp) {
    const std::int64_t taps = args.weight.dim(2) * args.weight.dim(3);
    parallel_for(args.weight.dim(0) / kSquare * taps, 1, [&](std::int64_t begin, std::int64_t end) {
      FusedUpdate pass(args, ff, bp);
      for (std::int64_t i = begin; i < end; ++i) pass.piece(i / taps * kSquare, i % taps);
    });
  } else {
    apply_update(args, mask_ff(args));
  }
  const auto finish = [&](PackedWeight* packed, bool written, GroupAxis axis) {
    if (packed == nullptr) return;
    if (written) {
      renewed(*packed, args.weight);
    } else {
      *packed = compress(args.weight, axis, args.pattern);
    }
  };
  finish(args.packed_ff, ff.has_value(), GroupAxis::input_channels);
  finish(args.packed_bp, bp.has_value(), GroupAxis::output_channels);
}

}  // namespace satsuma::cpu
