#include "src/cpu/panel_form.hpp"

#include <algorithm>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/integer.hpp"
#include "satsuma/core/memory_format.hpp"
#include "satsuma/core/parallel.hpp"
#include "satsuma/device/rounding.hpp"
#include "src/cpu/compress.hpp"
#include "src/cpu/kernels/kernels.hpp"

namespace satsuma::cpu {

namespace {

/// A weight in memory: element (row, tap, column) at row * row_stride + tap * tap_stride + column *
/// column_stride.
struct Matrix {
  std::int64_t rows, row_stride;
  std::int64_t taps, tap_stride;
  std::int64_t columns, column_stride;
};

/// One tap of one panel, to[column][panel].
template <typename T>
void pack_tap(const Matrix& m, const T* from, std::int64_t first, std::int64_t panel, T* to) {
  const std::int64_t used = std::min(panel, m.rows - first);
  std::int64_t done = 0;
  if constexpr (std::is_same_v<T, float>) {
    if (m.column_stride == 1 && used == panel && panel % kLanes == 0) {
      for (; done + kLanes <= m.columns; done += kLanes) {
        for (std::int64_t r = 0; r < panel; r += kLanes) {
          kernels().transpose_square(from + r * m.row_stride + done, m.row_stride, to + done * panel + r,
                                     panel);
        }
      }
    }
  }
  for (std::int64_t c = done; c < m.columns; ++c) {
    for (std::int64_t r = 0; r < used; ++r) to[c * panel + r] = from[r * m.row_stride + c * m.column_stride];
    std::fill(to + c * panel + used, to + (c + 1) * panel, T(0));
  }
}

/// [row][tap][column] to [panel][tap][column][row in panel], with zeros for the rows that are missing.
template <typename T>
std::shared_ptr<std::byte> pack(const Matrix& m, const T* from) {
  const std::int64_t panel = channels_last_kernels().panel;
  const std::int64_t panels = ceil_div(m.rows, panel);
  const std::int64_t piece = m.columns * panel;
  std::shared_ptr<std::byte> memory =
      allocate_host(static_cast<std::size_t>(panels * m.taps * piece) * sizeof(T));
  T* const to = reinterpret_cast<T*>(memory.get());
  parallel_for(panels * m.taps, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i / m.taps * panel;
      const T* const source = from + first * m.row_stride + i % m.taps * m.tap_stride;
      pack_tap(m, source, first, panel, to + i * piece);
    }
  });
  return memory;
}

}  // namespace

PanelForm::PanelForm(const WeightOperand& w, DType operands, bool transposed) : operands_(operands) {
  if (w.dense != nullptr) {
    pack_dense(rounded(*w.dense, operands), transposed);
  } else if (w.packed->pattern.m > channels_last_kernels().nm_group) {
    pack_dense(rounded(expand(documented(*w.packed)), operands), transposed);
  } else {
    pack_nm(documented(*w.packed));
  }
}

void PanelForm::pack_dense(const Tensor& weight, bool transposed) {
  const std::int64_t outputs = weight.dim(0);
  const std::int64_t inputs = weight.dim(1);
  const std::int64_t taps = weight.dim(2) * weight.dim(3);
  Matrix m{outputs, taps * inputs, taps, inputs, inputs, 1};
  if (transposed) m = {inputs, 1, taps, inputs, outputs, taps * inputs};
  values_ = pack(m, weight.data<float>());
  channels_ = m.columns;
  panels_ = ceil_div(m.rows, channels_last_kernels().panel);
  panel_elements_ = taps * m.columns * channels_last_kernels().panel;
}

void PanelForm::pack_nm(const PackedWeight& packed) {
  const std::int64_t kept = packed.kept();
  const std::int64_t taps = packed.values.dim(1) * packed.values.dim(2);
  const Matrix m{packed.rows(), taps * kept, taps, kept, kept, 1};
  const Tensor values = rounded(packed.values, operands_);
  values_ = pack(m, values.data<float>());
  indices_ = pack(m, row_indices(packed).data<std::uint8_t>());
  channels_ = packed.dense_shape[packed.axis == GroupAxis::input_channels ? 1 : 0];
  panels_ = ceil_div(m.rows, channels_last_kernels().panel);
  panel_elements_ = taps * kept * channels_last_kernels().panel;
  const Pattern pattern = packed.pattern;
  nm_.kept = kept;
  nm_.groups = channels_ / pattern.m;
  nm_.n = pattern.n;
  nm_.m = pattern.m;
  nm_.rest = static_cast<int>(channels_ % pattern.m);
  nm_.rest_kept = nm_.rest == 0 ? 0 : static_cast<int>(kept_in_group(pattern, nm_.rest));
}

DensePanel PanelForm::dense_panel(std::int64_t panel) const {
  return {reinterpret_cast<const float*>(values_.get()) + panel * panel_elements_, channels_};
}

NmPanel PanelForm::nm_panel(std::int64_t panel) const {
  NmPanel result = nm_;
  result.values = reinterpret_cast<const float*>(values_.get()) + panel * panel_elements_;
  result.indices = reinterpret_cast<const std::uint8_t*>(indices_.get()) + panel * panel_elements_;
  return result;
}

std::shared_ptr<const PanelForm> panel_form(const WeightOperand& w, DType operands, bool transposed) {
  std::shared_ptr<DeviceForm>* const kept = w.packed != nullptr ? &w.packed->device_form : w.dense_form;
  if (kept != nullptr) {
    const auto form = std::dynamic_pointer_cast<const PanelForm>(*kept);
    if (form && form->operands() == operands) return form;
  }
  auto form = std::make_shared<PanelForm>(w, operands, transposed);
  if (kept != nullptr) *kept = form;
  return form;
}

}  // namespace satsuma::cpu
