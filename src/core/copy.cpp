#include "src/core/copy.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "satsuma/core/parallel.hpp"

namespace satsuma {

namespace {

/// One loop of a copy: how often, and how far apart in the storage of each side.
struct Loop {
  std::int64_t extent;
  std::int64_t from;
  std::int64_t to;
};

/// Loops around a copy, outermost first.
class Nest {
 public:
  void add(Loop loop) {
    if (loop.extent != 1) loops_[count_++] = loop;
  }

  /// Innermost the loop that is contiguous in the target, next to it the one that is contiguous in the
  /// source: a line of either side is used up before the next is touched. The others in the order of the
  /// target.
  void arrange() {
    const auto all = std::span(loops_).first(count_);
    std::sort(all.begin(), all.end(), [](const Loop& a, const Loop& b) { return a.to > b.to; });
    if (count_ < 3) return;
    const auto nearest = std::min_element(all.begin(), all.end(),
                                          [](const Loop& a, const Loop& b) { return a.from < b.from; });
    if (nearest < all.end() - 1) std::rotate(nearest, nearest + 1, all.end() - 1);
  }

  /// The loop `i` from the inside; one of a single step where there is none.
  Loop inner(std::size_t i) const { return i < count_ ? loops_[count_ - 1 - i] : Loop{1, 1, 1}; }
  /// The loops around the two innermost.
  std::span<const Loop> outer() const { return std::span(loops_).first(count_ < 2 ? 0 : count_ - 2); }

 private:
  std::array<Loop, Shape::kMaxRank + 1> loops_{};
  std::size_t count_ = 0;
};

template <typename From, typename To>
void run(const Nest& nest, const From* source, To* target) {
  const Loop inner = nest.inner(0);
  const Loop middle = nest.inner(1);
  const std::span<const Loop> outer = nest.outer();
  std::int64_t count = 1;
  for (const Loop& loop : outer) count *= loop.extent;
  const std::int64_t piece = std::max<std::int64_t>(inner.extent * middle.extent, 1);
  parallel_for(count, (std::int64_t{1} << 14) / piece, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const From* from = source;
      To* to = target;
      std::int64_t rest = i;
      for (std::size_t k = outer.size(); k-- > 0; rest /= outer[k].extent) {
        from += rest % outer[k].extent * outer[k].from;
        to += rest % outer[k].extent * outer[k].to;
      }
      for (std::int64_t m = 0; m < middle.extent; ++m, from += middle.from, to += middle.to) {
        if (inner.from == 1 && inner.to == 1) {
          for (std::int64_t j = 0; j < inner.extent; ++j) to[j] = convert<To>(from[j]);
        } else {
          for (std::int64_t j = 0; j < inner.extent; ++j)
            to[j * inner.to] = convert<To>(from[j * inner.from]);
        }
      }
    }
  });
}

}  // namespace

void copy_elements(const Tensor& source, Tensor& target) {
  const Shape& shape = target.shape();
  if (shape.numel() == 0) return;
  // One side may have lanes where the other has none: both are walked in blocks of as many images.
  const std::int64_t lanes = std::max(source.lanes(), target.lanes());
  if ((source.lanes() != 1 && source.lanes() != lanes) || (target.lanes() != 1 && target.lanes() != lanes)) {
    return copy_elements(source.to(MemoryFormat::row_major), target);
  }
  const std::int64_t batch = shape.rank() == 0 ? 1 : shape[0];
  const auto stride = [&](const Tensor& x) { return shape.rank() == 0 ? 1 : x.layout().strides[0]; };
  const auto block_stride = [&](const Tensor& x) {
    return x.lanes() == lanes ? stride(x) : lanes * stride(x);
  };
  const auto lane_stride = [&](const Tensor& x) { return x.lanes() == lanes && lanes > 1 ? 1 : stride(x); };
  // Blocks that are full, then the images that are left.
  const auto copy_blocks = [&](std::int64_t first, std::int64_t blocks, std::int64_t images) {
    Nest nest;
    nest.add({blocks, block_stride(source), block_stride(target)});
    nest.add({images, lane_stride(source), lane_stride(target)});
    for (int axis = 1; axis < shape.rank(); ++axis) {
      nest.add({shape[axis], source.layout().strides[axis], target.layout().strides[axis]});
    }
    nest.arrange();
    dispatch_any(target.dtype(), [&](auto to_element) {
      using To = decltype(to_element);
      dispatch_any(source.dtype(), [&](auto from_element) {
        using From = decltype(from_element);
        run(nest, source.data<From>() + first * block_stride(source),
            target.data<To>() + first * block_stride(target));
      });
    });
  };
  if (batch / lanes > 0) copy_blocks(0, batch / lanes, lanes);
  if (batch % lanes > 0) copy_blocks(batch / lanes, 1, batch % lanes);
}

}  // namespace satsuma
