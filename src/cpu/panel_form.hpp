#pragma once

#include <memory>

#include "satsuma/device/device.hpp"
#include "src/cpu/kernels/channels_last.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

/// A weight as the channels-last kernels read it: panels of rows (the outputs of a pass), dense or N:M.
class PanelForm : public DeviceForm {
 public:
  /// Packs `w`, rounded to `operands`; see panel_form().
  PanelForm(const WeightOperand& w, DType operands, bool transposed);

  DType operands() const { return operands_; }
  std::int64_t panels() const { return panels_; }
  bool dense() const { return !indices_; }
  DensePanel dense_panel(std::int64_t panel) const;
  NmPanel nm_panel(std::int64_t panel) const;

 private:
  void pack_dense(const Tensor& weight, bool transposed);
  void pack_nm(const PackedWeight& packed);

  DType operands_;
  std::int64_t panels_ = 0;
  std::int64_t panel_elements_ = 0;
  std::shared_ptr<std::byte> values_;
  std::shared_ptr<std::byte> indices_;
  std::int64_t channels_ = 0;
  NmPanel nm_;  ///< all but the pointers
};

/// The form of a weight, kept with it where it can be. Rows are the output channels of `w` in the forward
/// pass and its input channels with `transposed`, for backward data. An N:M weight whose groups are too long
/// for the kernels becomes a dense one.
std::shared_ptr<const PanelForm> panel_form(const WeightOperand& w, DType operands, bool transposed);

}  // namespace satsuma::cpu
