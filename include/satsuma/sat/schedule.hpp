#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/sat/config.hpp"
#include "satsuma/sat/workload.hpp"

namespace satsuma::sat {

enum class Dataflow : std::uint8_t { weight_stationary, output_stationary };
/// `WS`, `OS`.
std::string_view to_string(Dataflow dataflow);

/// The three loops over the tiles of a pass, the same in all passes: pixels (images x rows of the pass's
/// output in FF and BP, of dY in WU), input channels c and output channels k.
enum class Loop : std::uint8_t { pixels, in_channels, out_channels };
std::string_view to_string(Loop loop);

/// What is on the chip at a time: full extents at most; edges may be ragged.
struct Tile {
  std::int64_t images = 1;        ///< the whole batch, or a multiple of 16
  std::int64_t rows = 1;          ///< of pixels; all of them unless images <= 16
  std::int64_t in_channels = 1;   ///< all, or where it is the reduction a multiple of channel_unit()
  std::int64_t out_channels = 1;  ///< likewise

  bool operator==(const Tile& other) const = default;
};

/// On-chip memory given to each operand, both halves of the double buffer, in KiB.
struct BufferSplit {
  std::int64_t activations = 0;  ///< the pass's dense operand: X in FF and WU, dY in BP
  std::int64_t weights = 0;      ///< W and its indices in FF and BP, dY in WU
  std::int64_t output = 0;       ///< FP32 sums: Y, dX, dW

  std::int64_t total() const { return activations + weights + output; }
  bool operator==(const BufferSplit& other) const = default;
};

/// How one pass of a layer is run.
struct PassSchedule {
  Dataflow dataflow = Dataflow::weight_stationary;
  std::array<Loop, 3> order = {Loop::pixels, Loop::out_channels, Loop::in_channels};  ///< outermost first
  Tile tile = {};
  std::int64_t interleave = 1;  ///< outputs that take turns in one accumulator, 1 .. accumulator.interleave
  BufferSplit buffers = {};

  bool operator==(const PassSchedule& other) const = default;
};

/// How a layer is run. A pass that is not run has a default PassSchedule.
struct LayerSchedule {
  std::string layer;
  std::array<PassSchedule, 3> pass = {};  ///< indexed by Pass
  bool pregenerate_ff = true;             ///< SORE makes W_ff behind WUVE; else FF prunes dense weights
  bool pregenerate_bp = true;             ///< likewise W_bp

  PassSchedule& operator[](Pass p) { return pass[static_cast<std::size_t>(p)]; }
  const PassSchedule& operator[](Pass p) const { return pass[static_cast<std::size_t>(p)]; }
  bool operator==(const LayerSchedule& other) const = default;
};

/// The offline schedule of a step: one entry a layer, made for one workload and one configuration.
struct Schedule {
  std::string workload;              ///< name, for the reader
  std::string workload_fingerprint;  ///< fingerprint(Workload)
  std::string config_fingerprint;    ///< fingerprint(Config)
  std::vector<LayerSchedule> layers;

  bool operator==(const Schedule& other) const = default;
};

/// Channels in which the order of a reduction over channels is cut: M ceil(16 / M), 16 when dense. In FF and
/// BP tiles of channels lie outermost, then kernel row, kernel column, channel inside the tile.
std::int64_t channel_unit(Pattern pattern);

/// Throws UsageError, naming layer, pass and value, unless `schedule` can run on `config`: extents in range,
/// tiles on multiples that the order of sums allows, operands that fit their buffers, buffers that fit the
/// chip, and with OS a reduction that is not cut while a tile has more sums than the array.
void check(const Config& config, const Layer& layer, Pass pass, const PassSchedule& schedule);
/// The same for all layers; throws UsageError when the schedule is for another workload or configuration.
void check(const Config& config, const Workload& workload, const Schedule& schedule);

/// A schedule as a TOML file that can be edited and read back, and the reverse. Reading throws IoError, and
/// FormatError naming file, line and key.
std::string to_toml(const Schedule& schedule);
Schedule parse_schedule(std::string_view text, std::string_view source);
Schedule read_schedule(const std::filesystem::path& path);

}  // namespace satsuma::sat
