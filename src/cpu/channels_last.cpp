#include "src/cpu/channels_last.hpp"

#include <algorithm>
#include <vector>

#include "satsuma/core/integer.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "src/cpu/panel_form.hpp"
#include "src/cpu/shares.hpp"

namespace satsuma::cpu {

namespace {

constexpr std::int64_t kNowhere = -1;

/// Which input coordinate each output coordinate reads under each tap, along one axis.
class Reach {
 public:
  static Reach forward(const Geometry& g, std::size_t axis, std::int64_t inputs, std::int64_t outputs) {
    return Reach(g.kernel[axis], 1, outputs, [&](std::int64_t output, std::int64_t tap) {
      const std::int64_t at = output * g.stride[axis] - g.padding[axis] + tap * g.dilation[axis];
      return at >= 0 && at < inputs ? at : kNowhere;
    });
  }
  /// dx at h reads dy at (h + padding - r * dilation) / stride wherever that is a whole number.
  static Reach backward(const Geometry& g, std::size_t axis, std::int64_t gradients, std::int64_t images) {
    return Reach(g.kernel[axis], g.stride[axis], images, [&](std::int64_t image, std::int64_t tap) {
      const std::int64_t scaled = image + g.padding[axis] - tap * g.dilation[axis];
      const bool hit = scaled >= 0 && scaled % g.stride[axis] == 0 && scaled / g.stride[axis] < gradients;
      return hit ? scaled / g.stride[axis] : kNowhere;
    });
  }

  std::int64_t taps() const { return taps_; }
  std::int64_t at(std::int64_t output, std::int64_t tap) const {
    return sources_[static_cast<std::size_t>(output * taps_ + tap)];
  }
  /// All output coordinates, those next to each other that use the same taps.
  const std::vector<std::int64_t>& order() const { return order_; }

 private:
  template <typename Source>
  Reach(std::int64_t taps, std::int64_t stride, std::int64_t outputs, Source&& source) : taps_(taps) {
    for (std::int64_t output = 0; output < outputs; ++output) {
      for (std::int64_t tap = 0; tap < taps; ++tap) sources_.push_back(source(output, tap));
    }
    for (std::int64_t residue = 0; residue < stride; ++residue) {
      for (std::int64_t output = residue; output < outputs; output += stride) order_.push_back(output);
    }
  }

  std::int64_t taps_;
  std::vector<std::int64_t> sources_;
  std::vector<std::int64_t> order_;
};

/// A forward or backward-data pass: outputs [images, rows, columns, outputs] from inputs [images, input_rows,
/// input_columns, channels].
struct PanelPass {
  const Reach& rows;
  const Reach& columns;
  std::int64_t images;
  std::int64_t input_rows, input_columns, channels;
  std::int64_t outputs;
  const float* input;
  float* output;
  const float* bias;

  std::int64_t width() const { return static_cast<std::int64_t>(columns.order().size()); }
  std::int64_t height() const { return static_cast<std::int64_t>(rows.order().size()); }
  std::int64_t pixels() const { return images * height() * width(); }
};

/// The tiles of one thread.
class PanelWalker {
 public:
  PanelWalker(const PanelPass& pass, const PanelForm& form, int tile)
      : pass_(pass), form_(form), tile_(tile), padding_(static_cast<std::size_t>(pass.channels)) {
    const auto taps = static_cast<std::size_t>(pass.rows.taps() * pass.columns.taps());
    inputs_.resize(taps * static_cast<std::size_t>(tile));
    taps_.resize(taps);
  }

  /// Pixels [begin, end) of one panel, in tiles of equal size.
  void run(std::int64_t panel, std::int64_t begin, std::int64_t end) {
    const std::int64_t width = channels_last_kernels().panel;
    PanelTile tile;
    tile.outputs = static_cast<int>(std::min(width, pass_.outputs - panel * width));
    tile.bias = pass_.bias == nullptr ? nullptr : pass_.bias + panel * width;
    float* outputs[kMostPixels];
    tile.output = outputs;
    tile.input = inputs_.data();
    tile.taps = taps_.data();
    const std::int64_t tiles = ceil_div(end - begin, tile_);
    for (std::int64_t i = 0; i < tiles; ++i) {
      const std::int64_t first = begin + (end - begin) * i / tiles;
      tile.pixels = static_cast<int>(begin + (end - begin) * (i + 1) / tiles - first);
      locate(first, tile.pixels);
      for (int t = 0; t < tile.pixels; ++t) {
        const Pixel& at = pixels_[t];
        const std::int64_t pixel = (at.image * pass_.height() + at.row) * pass_.width() + at.column;
        outputs[t] = pass_.output + pixel * pass_.outputs + panel * width;
      }
      tile.tap_count = aim(tile.pixels);
      if (form_.dense()) {
        channels_last_kernels().dense(tile, form_.dense_panel(panel));
      } else {
        channels_last_kernels().nm(tile, form_.nm_panel(panel));
      }
    }
  }

 private:
  struct Pixel {
    std::int64_t image, row, column;
  };

  void locate(std::int64_t first, int count) {
    const std::int64_t area = pass_.height() * pass_.width();
    for (int t = 0; t < count; ++t) {
      const std::int64_t at = (first + t) % area;
      pixels_[t] = {(first + t) / area, pass_.rows.order()[static_cast<std::size_t>(at / pass_.width())],
                    pass_.columns.order()[static_cast<std::size_t>(at % pass_.width())]};
    }
  }

  /// Points at the inputs of each tap that any of the pixels sees; returns how many there are.
  int aim(int count) {
    const std::int64_t kernel_width = pass_.columns.taps();
    int used = 0;
    for (std::int64_t r = 0; r < pass_.rows.taps(); ++r) {
      for (std::int64_t s = 0; s < kernel_width; ++s) {
        const float** const to = inputs_.data() + static_cast<std::ptrdiff_t>(used) * count;
        bool any = false;
        for (int t = 0; t < count; ++t) {
          const Pixel& at = pixels_[t];
          const std::int64_t row = pass_.rows.at(at.row, r);
          const std::int64_t column = pass_.columns.at(at.column, s);
          const bool inside = row != kNowhere && column != kNowhere;
          any = any || inside;
          const std::int64_t pixel = (at.image * pass_.input_rows + row) * pass_.input_columns + column;
          to[t] = inside ? pass_.input + pixel * pass_.channels : padding_.data();
        }
        if (any) taps_[static_cast<std::size_t>(used++)] = static_cast<std::int32_t>(r * kernel_width + s);
      }
    }
    return used;
  }

  const PanelPass& pass_;
  const PanelForm& form_;
  std::int64_t tile_;
  std::vector<float> padding_;  ///< zeros: a pixel outside of the image
  Pixel pixels_[kMostPixels];
  std::vector<const float*> inputs_;
  std::vector<std::int32_t> taps_;
};

/// Threads have panels of their own as far as these go, so that each reads few weights, and share the pixels
/// of others.
void run(const PanelPass& pass, const PanelForm& form) {
  const ChannelsLastKernels& kernel = channels_last_kernels();
  const int tile = form.dense() ? kernel.pixels : kernel.nm_pixels;
  const std::int64_t pixels = pass.pixels();
  const std::int64_t tiles = ceil_div(pixels, tile);
  const std::vector<Piece> panels(static_cast<std::size_t>(form.panels()), {tiles, tiles});
  const std::vector<Share> shares =
      equal_shares(panels, std::min<std::int64_t>(threads(), form.panels() * tiles));
  parallel_for(static_cast<std::int64_t>(shares.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    PanelWalker walker(pass, form, tile);
    for (std::int64_t i = begin; i < end; ++i) {
      const Share& share = shares[static_cast<std::size_t>(i)];
      for (std::int64_t panel = share.first.piece; panel < share.end_piece(); ++panel) {
        const Share::Units part = share.units(panel, panels.front());
        walker.run(panel, pixels * part.begin / tiles, pixels * part.end / tiles);
      }
    }
  });
}

PanelPass pass_over(const Reach& rows, const Reach& columns, const Tensor& input, Tensor& output) {
  return {rows,         columns,       input.dim(0),        input.dim(2),         input.dim(3),
          input.dim(1), output.dim(1), input.data<float>(), output.data<float>(), nullptr};
}

}  // namespace

bool is_channels_last(const Tensor& x) {
  return x.lanes() == 1;
}

void forward_channels_last(const LayerPlan& plan, const Tensor& x, const WeightOperand& w, const Tensor& bias,
                           Tensor& y) {
  const Reach rows = Reach::forward(plan.geometry, 0, x.dim(2), y.dim(2));
  const Reach columns = Reach::forward(plan.geometry, 1, x.dim(3), y.dim(3));
  const Tensor input = rounded(x, plan.operands);
  PanelPass pass = pass_over(rows, columns, input, y);
  if (bias.defined()) pass.bias = bias.data<float>();
  run(pass, *panel_form(w, plan.operands, false));
}

void backward_data_channels_last(const LayerPlan& plan, const Tensor& dy, const WeightOperand& w,
                                 Tensor& dx) {
  const Reach rows = Reach::backward(plan.geometry, 0, dy.dim(2), dx.dim(2));
  const Reach columns = Reach::backward(plan.geometry, 1, dy.dim(3), dx.dim(3));
  const Tensor gradient = rounded(dy, plan.operands);
  run(pass_over(rows, columns, gradient, dx), *panel_form(w, plan.operands, true));
}

}  // namespace satsuma::cpu
