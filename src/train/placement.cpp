#include "satsuma/train/placement.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/core/nearest.hpp"
#include "satsuma/device/check_device.hpp"
#include "satsuma/device/registry.hpp"
#include "satsuma/sparse/method.hpp"

namespace satsuma::train {

namespace {

constexpr std::array kPasses = {Pass::ff, Pass::bp, Pass::wu};

/// A check that compares nothing finds nothing: throws where `device`, which was asked for by `layers`, is
/// one and runs no pass of theirs.
void require_comparisons(const Device& device, const std::vector<std::shared_ptr<Contraction>>& layers) {
  if (!comparison_of(device)) return;
  for (const auto& layer : layers) {
    for (const Pass pass : kPasses) {
      if (&layer->device(pass) == &device) return;
    }
  }
  const Contraction& first = *layers.front();
  throw DeviceError(fmt::format("device '{}' would compare nothing in {} layer{}; the first, '{}': {}",
                                device.name(), layers.size(), layers.size() == 1 ? "" : "s", first.name(),
                                first.fallback(Pass::ff)));
}

}  // namespace

Placement Placement::parse(std::string_view text) {
  // A device may have settings: sat:opencl,bitstream=FILE.
  const std::size_t equals = text.substr(0, text.find(':')).rfind('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) {
    throw UsageError(
        fmt::format("--place got '{}', expected PATTERN=DEVICE, for example 'layer4.*=reference'", text));
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

void LayerOptions::set_method(std::string_view text) {
  const MethodText parsed = MethodText::parse(text);
  method = parsed.method->name;
  pattern = parsed.pattern.value_or(pattern);
  if (parsed.samples_wu) wu = pattern;
}

std::optional<DType> parse_precision(std::string_view name) {
  using Named = std::pair<std::string_view, std::optional<DType>>;
  constexpr Named kPrecisions[] = {
      {"auto", {}}, {"fp32", DType::f32}, {"bf16", DType::bf16}, {"fp16", DType::f16}};
  return find_named("precision", name, kPrecisions, &Named::first).second;
}

void configure_layers(const nn::Module& model, const LayerOptions& options) {
  ContractionSettings settings;
  const Method& method = find_method(options.method);
  settings.sparsity = {&method, options.pattern, options.wu, options.bp_weight, options.ff_bits};
  settings.sr_ste = options.sr_ste.value_or(method.default_sr_ste);
  settings.operands = options.operands;
  settings.seed = options.seed;
  settings.refresh_masks = options.refresh_masks;
  settings.strict = options.strict;
  const std::shared_ptr<Device> device = find_device(options.device);

  const std::vector<std::shared_ptr<Contraction>> layers = model.contractions();
  for (const Placement& placement : options.placements) {
    require_match(fmt::format("--place '{}={}'", placement.pattern, placement.device), placement.pattern,
                  layers);
  }
  for (const LayerPattern& of : options.nm_for) {
    require_match(fmt::format("--nm-for '{}={}'", of.layers, to_string(of.pattern)), of.layers, layers);
  }
  if (!options.dense.empty())
    require_match(fmt::format("--dense '{}'", options.dense), options.dense, layers);
  std::map<std::shared_ptr<Device>, std::vector<std::shared_ptr<Contraction>>> layers_of;
  for (const auto& layer : layers) {
    settings.device = device;
    for (const Placement& placement : options.placements) {
      if (matches(placement.pattern, layer->name())) settings.device = find_device(placement.device);
    }
    settings.sparsity.pattern = options.pattern;
    for (const LayerPattern& of : options.nm_for) {
      // A schedule that is still dense is so everywhere.
      if (matches(of.layers, layer->name()) && !options.pattern.dense())
        settings.sparsity.pattern = of.pattern;
    }
    const bool dense = !options.dense.empty() && matches(options.dense, layer->name());
    layer->configure(settings, dense ? fmt::format("--dense '{}'", options.dense) : std::string());
    layers_of[settings.device].push_back(layer);
  }
  Contraction::group_fallbacks(layers);
  for (const auto& [asked, its_layers] : layers_of) require_comparisons(*asked, its_layers);
}

std::vector<Device*> devices_of(const nn::Module& model) {
  std::vector<Device*> devices;
  for (const auto& layer : model.contractions()) {
    for (const Pass pass : kPasses) {
      Device* const device = &layer->device(pass);
      if (std::find(devices.begin(), devices.end(), device) == devices.end()) devices.push_back(device);
    }
  }
  return devices;
}

Work& Work::operator+=(const Work& other) {
  for (std::size_t i = 0; i < pass_macs.size(); ++i) pass_macs[i] += other.pass_macs[i];
  for (const WorkField& field : kWorkFields) this->*field.member += other.*field.member;
  return *this;
}

Work Work::operator-(const Work& before) const {
  Work result = *this;
  for (std::size_t i = 0; i < pass_macs.size(); ++i) result.pass_macs[i] -= before.pass_macs[i];
  for (const WorkField& field : kWorkFields) result.*field.member -= before.*field.member;
  return result;
}

Work executed(const std::vector<Device*>& devices) {
  Work work;
  for (const Device* const device : devices) {
    const Counters& counters = device->counters();
    for (std::size_t i = 0; i < counters.pass.size(); ++i) {
      work.pass_macs[i] += counters.pass[i].macs;
      work.dense_macs += counters.pass[i].dense_macs;
    }
    work.device_nanoseconds += counters.device_nanoseconds;
    work.nanojoules += counters.nanojoules;
    work.kernel_nanoseconds += counters.kernel_nanoseconds;
    work.transfer_nanoseconds += counters.transfer_nanoseconds;
    work.bytes_moved += counters.bytes_to_device + counters.bytes_from_device;
  }
  return work;
}

}  // namespace satsuma::train
