#include "src/plugins/packed_form.hpp"

#include "satsuma/device/rounding.hpp"
#include "src/plugins/convert.hpp"

namespace satsuma::plugin_host {

PackedForm::~PackedForm() {
  for (const View& view : views_) {
    if (view.c.form) instance_->table().release(instance_->self(), view.c.form);
  }
}

satsuma_packed PackedForm::of(const std::shared_ptr<const Instance>& instance, const PackedWeight& packed,
                              DType operands, bool rounded) {
  auto* mine = dynamic_cast<PackedForm*>(packed.device_form.get());
  if (!mine || mine->instance_ != instance) {
    auto fresh = std::make_shared<PackedForm>(instance);
    mine = fresh.get();
    packed.device_form = std::move(fresh);
  }
  rounded = rounded && operands != DType::f32;
  for (const View& view : mine->views_) {
    if (view.rounded == rounded && (!rounded || view.operands == operands)) return view.c;
  }
  // Plug-ins know rows by themselves.
  PackedWeight seen = by_rows(packed);
  if (rounded) seen.values = satsuma::rounded(packed.values, operands);
  View view{seen.values, seen.indices, to_c(seen), operands, rounded};
  if (instance->table().prepare) {
    instance->call("prepare", instance->table().prepare, static_cast<const satsuma_packed*>(&view.c),
                   &view.c.form);
  }
  mine->views_.push_back(view);
  return view.c;
}

}  // namespace satsuma::plugin_host
