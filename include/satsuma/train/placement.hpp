#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/device/device.hpp"
#include "satsuma/nn/module.hpp"
#include "satsuma/sparse/pattern.hpp"
#include "satsuma/train/layer_match.hpp"

namespace satsuma::train {

/// Puts the layers whose name matches a shell pattern on a device: `layer4.*=reference`.
struct Placement {
  std::string pattern;
  std::string device;

  /// Reads `PATTERN=DEVICE`. Throws UsageError that says what was typed and what is expected.
  static Placement parse(std::string_view text);
};

/// How the convolution and linear layers of a model are to be run.
struct LayerOptions {
  /// Sets the method from a MethodText, the pattern where that has one, and `wu` where it samples; to be
  /// called when `pattern` is set.
  void set_method(std::string_view text);

  std::string method = "dense";
  Pattern pattern = {2, 8};              ///< N:M of the operands that the method prunes
  Pattern wu = {};                       ///< N:M of a sampled dY in WU; 1:1 leaves it dense
  std::optional<OperandKind> bp_weight;  ///< Sparsity::bp_weight
  int ff_bits = 0;                       ///< Sparsity::ff_bits
  std::optional<double> sr_ste;          ///< lambda of the SR-STE term; the method's default where empty
  std::uint64_t seed = 0;                ///< of the choices of a sampled dY
  std::vector<LayerPattern> nm_for;  ///< other patterns by layer; of several that match the last one counts
  std::string dense;                 ///< layers that stay dense; empty for none
  std::int64_t refresh_masks = 1;    ///< ContractionSettings::refresh_masks
  std::optional<DType>
      operands;  ///< what products are made of: f32, bf16, f16; each device's own where empty
  std::string device = "cpu";
  std::vector<Placement> placements;  ///< exceptions from `device`; of several that match the last one counts
  bool strict = false;                ///< a pass that its device refuses is an error instead of a fallback
};

/// What the operands of products are under a precision, `fp32`, `bf16` or `fp16`; nothing under `auto`, which
/// leaves it to the device. Throws UsageError for another.
std::optional<DType> parse_precision(std::string_view name);

/// Configures every contraction of `model`. Throws UsageError on an unknown method or device and on an
/// expression that matches no layer, DeviceError under `strict` when a device refuses a pass, and where a
/// device `check:A,B` runs no pass of the layers that asked for it.
void configure_layers(const nn::Module& model, const LayerOptions& options);

/// Devices that the passes of `model` run on, each once, in the order of the layers.
std::vector<Device*> devices_of(const nn::Module& model);

/// Multiply-adds that devices have executed, and what dense devices would have; what that takes on the
/// accelerators among them that are emulated; and what those with a clock of their own have measured.
struct Work {
  std::array<std::int64_t, 3> pass_macs = {};  ///< indexed by Pass
  std::int64_t dense_macs = 0;
  std::int64_t device_nanoseconds = 0;
  std::int64_t nanojoules = 0;
  std::int64_t kernel_nanoseconds = 0;
  std::int64_t transfer_nanoseconds = 0;
  std::int64_t bytes_moved = 0;  ///< to devices and from them

  std::int64_t macs() const { return pass_macs[0] + pass_macs[1] + pass_macs[2]; }
  double device_seconds() const { return 1e-9 * static_cast<double>(device_nanoseconds); }
  double kernel_seconds() const { return 1e-9 * static_cast<double>(kernel_nanoseconds); }
  double transfer_seconds() const { return 1e-9 * static_cast<double>(transfer_nanoseconds); }
  double joules() const { return 1e-9 * static_cast<double>(nanojoules); }

  Work& operator+=(const Work& other);
  Work operator-(const Work& before) const;
};

/// A number of Work beside those by pass, and its name in checkpoints.
struct WorkField {
  const char* name;
  std::int64_t Work::*member;
};
inline constexpr WorkField kWorkFields[] = {{"dense_macs", &Work::dense_macs},
                                            {"device_nanoseconds", &Work::device_nanoseconds},
                                            {"nanojoules", &Work::nanojoules},
                                            {"kernel_nanoseconds", &Work::kernel_nanoseconds},
                                            {"transfer_nanoseconds", &Work::transfer_nanoseconds},
                                            {"bytes_moved", &Work::bytes_moved}};

/// What `devices` have executed since their counters were reset.
Work executed(const std::vector<Device*>& devices);

}  // namespace satsuma::train
