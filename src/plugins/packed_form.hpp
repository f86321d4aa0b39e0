#pragma once

#include <memory>
#include <vector>

#include "satsuma/sparse/packed.hpp"
#include "src/plugins/instance.hpp"

namespace satsuma::plugin_host {

/// What a plug-in made of a packed weight, once for each type of operands: kept beside the values and
/// released with them.
class PackedForm : public DeviceForm {
 public:
  /// The weight as the plug-in gets it.
  struct View {
    Tensor values;   ///< rounded to the operands where `rounded`
    Tensor indices;  ///< of each row
    satsuma_packed c{};
    DType operands = DType::f32;
    bool rounded = false;
  };

  explicit PackedForm(std::shared_ptr<const Instance> instance) : instance_(std::move(instance)) {}
  ~PackedForm() override;
  PackedForm(const PackedForm&) = delete;
  PackedForm& operator=(const PackedForm&) = delete;

  /// The view of `packed` for an instance, made now where it is not there yet. With `rounded` its values are
  /// rounded to `operands`, for products whose author need not know of them.
  static satsuma_packed of(const std::shared_ptr<const Instance>& instance, const PackedWeight& packed,
                           DType operands, bool rounded);

 private:
  std::shared_ptr<const Instance> instance_;
  std::vector<View> views_;
};

}  // namespace satsuma::plugin_host
