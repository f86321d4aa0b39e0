#include "satsuma/ops/pool.hpp"

#include <cstring>
#include <vector>

#include "src/ops/kernels/kernels.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// Rows (or columns) of the input that an output row sees; `first` is the tap that falls on `begin`.
struct Span {
  std::int64_t begin;
  std::int64_t end;
  std::int64_t first;
};

/// Windows of both axes of one pooling over an image.
struct Windows {
  std::vector<Span> rows, columns;
};

std::vector<Span> spans(const char* op, const Tensor& x, int axis, const PoolWindow& window) {
  const auto i = static_cast<std::size_t>(axis - 2);
  const std::int64_t size = x.dim(axis);
  const std::int64_t kernel = window.kernel[i];
  const std::int64_t stride = window.stride[i];
  const std::int64_t padding = window.padding[i];
  if (kernel < 1 || stride < 1 || padding < 0 || padding > kernel / 2 || size + 2 * padding < kernel) {
    throw ShapeError(
        fmt::format("[{}] got kernel {}, stride {}, padding {} on axis {} of {}, expected kernel and stride "
                    "of 1 or more, padding up to "
                    "half of the kernel, and a kernel that fits",
                    op, kernel, stride, padding, axis, to_string(x.shape())));
  }
  std::vector<Span> result;
  for (std::int64_t p = 0; p * stride + kernel <= size + 2 * padding; ++p) {
    const std::int64_t start = p * stride - padding;
    const std::int64_t begin = std::max<std::int64_t>(start, 0);
    result.push_back({begin, std::min(start + kernel, size), begin - start});
  }
  return result;
}

Windows windows_of(const char* op, const Tensor& x, const PoolWindow& window) {
  check_rank(op, "x", x, 4, "[N, C, H, W]");
  return {spans(op, x, 2, window), spans(op, x, 3, window)};
}

/// Work of one thread at a time: one block, some channels, all pixels. Windows overlap, so that the
/// derivative must not share an image's pixels among threads.
template <typename Body>
void for_each_stripe(const Tensor& x, Body&& body) {
  const std::int64_t lanes = x.lanes();
  const std::int64_t stripe = lanes == 1 ? 64 : 32;
  const std::int64_t stripes = (x.dim(1) + stripe - 1) / stripe;
  parallel_for(block_count(x.dim(0), lanes) * stripes, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t channel = i % stripes * stripe;
      body(i / stripes, channel * lanes, std::min(stripe, x.dim(1) - channel) * lanes);
    }
  });
}

/// An activation [N/16][H][W][C][16], or [N][H][W][C].
template <typename T>
struct Image {
  T* data;
  std::int64_t height, width, step;

  T* at(std::int64_t block, std::int64_t row, std::int64_t column) const {
    return data + ((block * height + row) * width + column) * step;
  }
};

template <typename T, typename Of>
Image<T> image(Of& x) {
  return {x.template data<std::remove_const_t<T>>(), x.dim(2), x.dim(3), x.dim(1) * x.lanes()};
}

Shape output_shape(const Tensor& x, const Windows& windows) {
  return {x.dim(0), x.dim(1), static_cast<std::int64_t>(windows.rows.size()),
          static_cast<std::int64_t>(windows.columns.size())};
}

/// Clears the rows of a gradient just before the first window adds to them, when they are about to be cached
/// anyway.
template <typename T>
class RowsToClear {
 public:
  RowsToClear(const Image<T>& image, std::int64_t block, std::int64_t channel, std::int64_t length)
      : image_(image), block_(block), channel_(channel), length_(length) {}

  void up_to(std::int64_t row) {
    for (; next_ < row; ++next_) {
      for (std::int64_t w = 0; w < image_.width; ++w) {
        std::fill_n(image_.at(block_, next_, w) + channel_, length_, T(0));
      }
    }
  }

 private:
  const Image<T>& image_;
  std::int64_t block_, channel_, length_;
  std::int64_t next_ = 0;
};

/// Visits the taps of one window: `visit(row, column, number of the tap)`.
template <typename Visit>
void for_each_tap(const Span& rows, const Span& columns, std::int64_t kernel_width, Visit&& visit) {
  for (std::int64_t h = rows.begin; h < rows.end; ++h) {
    for (std::int64_t w = columns.begin; w < columns.end; ++w) {
      visit(h, w, (rows.first + h - rows.begin) * kernel_width + columns.first + w - columns.begin);
    }
  }
}

template <typename T>
void max_forward(const Tensor& x, const Windows& windows, std::int64_t kernel_width, Tensor& y,
                 Tensor& which) {
  const Image<const T> from = image<const T>(x);
  const Image<T> to = image<T>(y);
  const Image<std::uint8_t> index = image<std::uint8_t>(which);
  for_each_stripe(x, [&](std::int64_t block, std::int64_t channel, std::int64_t length) {
    std::array<const T*, 256> runs;
    std::array<std::uint8_t, 256> ids;
    for (std::int64_t p = 0; p < to.height; ++p) {
      for (std::int64_t q = 0; q < to.width; ++q) {
        int count = 0;
        for_each_tap(windows.rows[static_cast<std::size_t>(p)], windows.columns[static_cast<std::size_t>(q)],
                     kernel_width, [&](std::int64_t h, std::int64_t w, std::int64_t tap) {
                       runs[static_cast<std::size_t>(count)] = from.at(block, h, w) + channel;
                       ids[static_cast<std::size_t>(count++)] = static_cast<std::uint8_t>(tap);
                     });
        kernels::active<T>().max_of(runs.data(), ids.data(), count, length, to.at(block, p, q) + channel,
                                    index.at(block, p, q) + channel);
      }
    }
  });
}

template <typename T>
void max_backward(const Tensor& g, const Tensor& which, const Windows& windows, std::int64_t kernel_width,
                  Tensor& dx) {
  const Image<const T> from = image<const T>(g);
  const Image<const std::uint8_t> index = image<const std::uint8_t>(which);
  const Image<T> to = image<T>(dx);
  for_each_stripe(dx, [&](std::int64_t block, std::int64_t channel, std::int64_t length) {
    RowsToClear<T> clear(to, block, channel, length);
    for (std::int64_t p = 0; p < from.height; ++p) {
      const Span& rows = windows.rows[static_cast<std::size_t>(p)];
      clear.up_to(rows.end);
      for (std::int64_t q = 0; q < from.width; ++q) {
        for_each_tap(rows, windows.columns[static_cast<std::size_t>(q)], kernel_width,
                     [&](std::int64_t h, std::int64_t w, std::int64_t tap) {
                       kernels::active<T>().add_where(
                           from.at(block, p, q) + channel, index.at(block, p, q) + channel,
                           static_cast<std::uint8_t>(tap), length, to.at(block, h, w) + channel);
                     });
      }
    }
    clear.up_to(to.height);
  });
}

/// Mean of a window of `taps` elements; 0 stands for as many as it has.
template <typename T>
T weight_of(const Span& rows, const Span& columns, std::int64_t taps) {
  const std::int64_t own = (rows.end - rows.begin) * (columns.end - columns.begin);
  return T(1) / static_cast<T>(taps > 0 ? taps : own);
}

template <typename T>
void mean_forward(const Tensor& x, const Windows& windows, std::int64_t taps, Tensor& y) {
  const Image<const T> from = image<const T>(x);
  const Image<T> to = image<T>(y);
  for_each_stripe(x, [&](std::int64_t block, std::int64_t channel, std::int64_t length) {
    for (std::int64_t p = 0; p < to.height; ++p) {
      for (std::int64_t q = 0; q < to.width; ++q) {
        const Span& rows = windows.rows[static_cast<std::size_t>(p)];
        const Span& columns = windows.columns[static_cast<std::size_t>(q)];
        T* const out = to.at(block, p, q) + channel;
        std::fill_n(out, length, T(0));
        for_each_tap(rows, columns, 0, [&](std::int64_t h, std::int64_t w, std::int64_t) {
          kernels::active<T>().axpy(from.at(block, h, w) + channel, weight_of<T>(rows, columns, taps), out,
                                    length);
        });
      }
    }
  });
}

template <typename T>
void mean_backward(const Tensor& g, const Windows& windows, std::int64_t taps, Tensor& dx) {
  const Image<const T> from = image<const T>(g);
  const Image<T> to = image<T>(dx);
  for_each_stripe(dx, [&](std::int64_t block, std::int64_t channel, std::int64_t length) {
    RowsToClear<T> clear(to, block, channel, length);
    for (std::int64_t p = 0; p < from.height; ++p) {
      const Span& rows = windows.rows[static_cast<std::size_t>(p)];
      clear.up_to(rows.end);
      for (std::int64_t q = 0; q < from.width; ++q) {
        const Span& columns = windows.columns[static_cast<std::size_t>(q)];
        for_each_tap(rows, columns, 0, [&](std::int64_t h, std::int64_t w, std::int64_t) {
          kernels::active<T>().axpy(from.at(block, p, q) + channel, weight_of<T>(rows, columns, taps),
                                    to.at(block, h, w) + channel, length);
        });
      }
    }
    clear.up_to(to.height);
  });
}

Attributes attributes_of(const PoolWindow& window) {
  const auto pair = [](const std::array<std::int64_t, 2>& of) { return std::vector(of.begin(), of.end()); };
  return {
      {"kernel", pair(window.kernel)}, {"stride", pair(window.stride)}, {"padding", pair(window.padding)}};
}

/// Means over windows; `taps` as in weight_of().
Tensor mean_pool(const char* op, const Tensor& x, Windows windows, std::int64_t taps, Attributes attributes) {
  const Tensor from = activation(x);
  const std::int64_t lanes = from.lanes();
  Tensor y = Tensor::empty(output_shape(x, windows), x.dtype(), format_with(lanes));
  return dispatch_real(op, x.dtype(), [&](auto element) {
    using T = decltype(element);
    return record({op, {x}, std::move(attributes)}, y, [&]() -> Backward {
      mean_forward<T>(from, windows, taps, y);
      return [windows = std::move(windows), taps, lanes, shape = x.shape()](const Tensor& g,
                                                                            const std::vector<bool>&) {
        Tensor dx = Tensor::empty(shape, g.dtype(), format_with(lanes));
        mean_backward<T>(with_lanes(g, lanes), windows, taps, dx);
        return std::vector<Tensor>{dx};
      };
    });
  });
}

}  // namespace

Tensor max_pool(const Tensor& x, const PoolWindow& window) {
  Windows windows = windows_of("max_pool", x, window);
  if (window.kernel[0] > 256 || window.kernel[0] * window.kernel[1] > 256) {
    throw ShapeError(fmt::format("[max_pool] got a kernel of {} x {}, expected at most 256 taps",
                                 window.kernel[0], window.kernel[1]));
  }
  const std::int64_t kernel_width = window.kernel[1];
  const Shape shape = output_shape(x, windows);
  const Tensor from = activation(x);
  const MemoryFormat format = format_with(from.lanes());
  Tensor y = Tensor::empty(shape, x.dtype(), format);
  Tensor which = Tensor::empty(shape, DType::u8, format);
  return dispatch_real("max_pool", x.dtype(), [&](auto element) {
    using T = decltype(element);
    return record({"max_pool", {x}, attributes_of(window)}, y, [&]() -> Backward {
      max_forward<T>(from, windows, kernel_width, y, which);
      return [which, windows = std::move(windows), kernel_width, shape = x.shape()](
                 const Tensor& g, const std::vector<bool>&) {
        Tensor dx = Tensor::empty(shape, g.dtype(), format_with(which.lanes()));
        max_backward<T>(with_lanes(g, which.lanes()), which, windows, kernel_width, dx);
        return std::vector<Tensor>{dx};
      };
    });
  });
}

Tensor average_pool(const Tensor& x, const PoolWindow& window) {
  return mean_pool("average_pool", x, windows_of("average_pool", x, window),
                   window.kernel[0] * window.kernel[1], attributes_of(window));
}

Tensor adaptive_average_pool(const Tensor& x, std::int64_t height, std::int64_t width) {
  check_rank("adaptive_average_pool", "x", x, 4, "[N, C, H, W]");
  if (height < 1 || width < 1) {
    throw ShapeError(
        fmt::format("[adaptive_average_pool] got output {} x {}, expected 1 x 1 or more", height, width));
  }
  const auto spread = [](std::int64_t size, std::int64_t outputs) {
    std::vector<Span> result;
    for (std::int64_t p = 0; p < outputs; ++p) {
      result.push_back({p * size / outputs, ((p + 1) * size + outputs - 1) / outputs, 0});
    }
    return result;
  };
  return mean_pool("adaptive_average_pool", x, {spread(x.dim(2), height), spread(x.dim(3), width)}, 0,
                   {{"size", std::vector<std::int64_t>{height, width}}});
}

}  // namespace satsuma::ops
