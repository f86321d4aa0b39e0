#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/conformance/support_table.hpp"
#include "satsuma/device/device.hpp"

namespace satsuma::conformance {

/// A part of the suite.
enum class Mode : std::uint8_t {
  correctness,  ///< passes, compress, update, counters, memory, errors, threads, the same bits twice
  gradient,     ///< BP and WU are the adjoints of FF: the device against itself, without a reference
  performance,  ///< time of the passes, and that of `cpu`
  support,      ///< what the device accepts, and its reasons where it does not
};
std::string_view to_string(Mode mode);
/// Throws UsageError with the known names and the nearest one.
Mode parse_mode(std::string_view name);

struct Options {
  std::vector<Mode> modes = {Mode::correctness, Mode::gradient, Mode::support};
  std::string filter = "*";  ///< shell pattern on the names of checks: `ff/*`, `*/2:8/*`
  std::uint64_t seed = 1;    ///< of all operands and of the geometries that are drawn
  std::function<void(std::int64_t done)> progress = {};  ///< called after each check
};

enum class Outcome : std::uint8_t {
  passed,
  failed,
  refused,    ///< supports() said no, with a reason
  unchecked,  ///< the device accepts what `reference` has no answer for
};
std::string_view to_string(Outcome outcome);

/// One thing that was checked. Its name says what: `ff/2:8/f32/stride`, `update/2:8/f32/nesterov`.
struct Check {
  std::string name;
  Outcome outcome = Outcome::passed;
  std::string detail;    ///< what was wrong, or the reason of a refusal; one line
  double error = 0;      ///< largest difference found
  double tolerance = 0;  ///< allowed for it; 0 is the same bits
};

/// Time of one pass, the best of several runs.
struct Timing {
  std::string name;
  double seconds = 0;
  double cpu_seconds = 0;  ///< of `cpu` at the same work; 0 where it is not built in
  std::int64_t macs = 0;   ///< multiply-adds with kept weights
};

struct Report {
  std::vector<Check> checks;
  std::vector<Timing> timings;
  SupportTable support;

  std::int64_t count(Outcome outcome) const;
  /// True when nothing failed.
  bool passed() const { return count(Outcome::failed) == 0; }
};

/// Holds everything that a device does against `reference`, an independent and slow implementation in double:
/// every pass with dense and N:M weights, types of operands and classes of shapes (1x1, stride, padding,
/// dilation, one image, ragged channels and batches, groups, layers as networks have them), with packed
/// weights of its own and of others; what a sampled dY draws, and that it is unbiased; compress() bit for
/// bit, with ties; update() with pre-generation; counters; where operands lie; memory; errors; threads; and
/// that the same call gives the same bits.
///
/// Tolerance: an element that sums L products of numbers in [-1, 1] in the dtype's precision errs by at most
/// about L * epsilon; L + 8 units of epsilon are granted. Products of bf16 or f16 operands are exact in f32,
/// so that their tolerance is that of f32. compress() and repeated calls have no tolerance.
///
/// What a check draws depends on its name and the seed alone. An exception out of the device is a failed
/// check. Throws UsageError when no check has a name like `options.filter`, DeviceError when `reference` is
/// not built in.
Report run(const std::shared_ptr<Device>& device, const Options& options = {});

}  // namespace satsuma::conformance
