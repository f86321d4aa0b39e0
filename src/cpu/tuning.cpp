#include "src/cpu/tuning.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "satsuma/core/cpu.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/memory_format.hpp"
#include "src/core/toml_text.hpp"
#include "src/cpu/kernels/amx.hpp"
#include "src/cpu/kernels/bf16.hpp"
#include "src/cpu/kernels/kernels.hpp"
#include "src/cpu/scratch.hpp"

namespace satsuma::cpu {

namespace {

constexpr int kChannels = 64;
constexpr int kRows = 48;  // whole panels of any dense kernel
constexpr int kPerTap = kChannels / 4;
constexpr int kMostPixels = 8;

/// A tile of one tap whose inputs stay in the first-level cache.
class Tile {
 public:
  Tile(int pixels, std::int64_t pixel_floats, int outputs)
      : input_(pixels * pixel_floats), output_(outputs * kRows * kLanes), weights_(kRows * kChannels) {
    std::fill_n(input_.data(), pixels * pixel_floats, 1.0f);
    std::fill_n(weights_.data(), kRows * kChannels, 0.0f);
    for (int p = 0; p < pixels; ++p) inputs_[static_cast<std::size_t>(p)] = input_.data() + p * pixel_floats;
    for (int i = 0; i < outputs; ++i)
      outputs_[static_cast<std::size_t>(i)] = output_.data() + i * kRows * kLanes;
    args_.count = pixels;
    args_.input = inputs_.data();
    args_.output = outputs_.data();
    args_.taps = &tap_;
    args_.tap_count = 1;
    args_.rows = kRows;
  }

  const TileArgs& args() const { return args_; }
  float* weights() { return weights_.data(); }

 private:
  Scratch input_, output_, weights_;
  std::array<const float*, kMostPixels> inputs_{};
  std::array<float*, 2 * kMostPixels> outputs_{};
  Tap tap_{};
  TileArgs args_;
};

/// Products a second of the fastest of several runs: what disturbs only ever slows. A run makes `products`.
template <typename Run>
double rate(double products, const Run& run) {
  constexpr int kRuns = 12;
  constexpr int kTurns = 64;
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    for (int turn = 0; turn < kTurns; ++turn) run();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    best = std::max(best, products * kTurns / std::max(taken.count(), 1e-9));
  }
  return best;
}

/// An image takes a lane of f32, so that a pixel of sixteen of them is one vector or several.
Tuning measure(const Kernels& f32, const Bf16Kernels& bf16, const AmxKernels* amx) {
  const std::int64_t pixel = kChannels * kLanes;
  const double of_vector = static_cast<double>(kRows) * kChannels * f32.vector;
  const double of_pixel = static_cast<double>(kRows) * kChannels * kWideLanes;

  Tile dense(f32.dense_tile, pixel, f32.dense_tile);
  const DenseWeights weights{dense.weights(), kChannels, f32.dense_rows * kChannels};
  Tile wide(bf16.dense_tile, pixel, 2 * bf16.dense_tile);
  const DensePairWeights pairs{reinterpret_cast<std::uint32_t*>(wide.weights()), kChannels / 2,
                               bf16.dense_rows * kChannels / 2};

  // A pixel of sixteen images, in half the bytes.
  Tile tiles(kMostPixels, pixel / 2, kMostPixels);
  const AmxWeights factors{reinterpret_cast<const char*>(tiles.weights()), kChannels / kAmxTerms,
                           kChannels / kAmxTerms * kAmxTileBytes};

  Tile nm(f32.tile, pixel, f32.tile);
  std::vector<NmEntry> entries(kRows * kPerTap);
  Tile nm_wide(bf16.tile, pixel, 2 * bf16.tile);
  std::vector<NmPair> kept(kRows * kPerTap / 2);
  for (std::size_t i = 0; i < entries.size(); ++i)
    entries[i] = {0.0f, static_cast<std::uint32_t>(i * 4 % kChannels) * 64};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto offset = static_cast<std::uint16_t>(i * 8 % kChannels * 64);
    kept[i] = {0, offset, static_cast<std::uint16_t>(offset + 256)};
  }
  const NmWeights nm_weights{entries.data(), kPerTap, kPerTap};
  const NmPairWeights nm_pairs{kept.data(), kPerTap / 2, kPerTap / 2};

  Tuning tuning;
  const double dense_rate = rate(of_vector * f32.dense_tile, [&] { f32.dense(dense.args(), weights); });
  tuning.bf16_dense = rate(of_pixel * bf16.dense_tile, [&] { bf16.dense(wide.args(), pairs); }) / dense_rate;
  // Both make a quarter of the products of the pixels that they are counted with.
  const double skipping_rate = rate(of_vector * f32.tile, [&] { f32.nm(nm.args(), nm_weights); });
  tuning.bf16_skipping =
      rate(of_pixel * bf16.tile, [&] { bf16.nm(nm_wide.args(), nm_pairs); }) / skipping_rate;
  if (amx != nullptr) {
    const AmxScope scope(amx);
    const double of_tile = static_cast<double>(kRows) * kChannels * kLanes * kMostPixels;
    const double amx_rate = rate(of_tile, [&] { amx->dense(tiles.args(), factors); });
    const double kept_rate = skipping_rate * std::max(1.0, tuning.bf16_skipping) * kPerTap / kChannels;
    tuning.amx = amx_rate / dense_rate;
    tuning.amx_skipping = amx_rate / kept_rate;
  }
  return tuning;
}

/// To be raised when kernels become faster, so that measurements of earlier ones are not taken for them.
constexpr int kKernelRevision = 1;

/// Below this a measurement speaks against bf16; between it and one it may be chance.
constexpr double kClearlySlower = 0.95;

std::filesystem::path cache_folder() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::filesystem::path(value ? value : "");
  };
  if (const auto cache = variable("XDG_CACHE_HOME"); cache.is_absolute()) return cache / "satsuma";
  if (const auto home = variable("HOME"); home.is_absolute()) return home / ".cache" / "satsuma";
  return {};
}

bool is_fixed() {
  const char* const isa = std::getenv("SATSUMA_ISA");
  const char* const tune = std::getenv("SATSUMA_TUNE");
  const std::string_view said = tune ? tune : "";
  if (said != "" && said != "on" && said != "off")
    throw UsageError(fmt::format("SATSUMA_TUNE={} is unknown; expected on or off", said));
  return said == "off" || (isa != nullptr && *isa != '\0');
}

Tuning tuning_of_this_machine() {
  if (is_fixed()) return {1, 1, 1, 8};
  const std::string machine = fmt::format("{}, {}, kernels {}", cpu_name(), kernels_name(), kKernelRevision);
  const std::filesystem::path folder = cache_folder();
  const std::filesystem::path path = folder / "tuning.toml";
  if (!folder.empty()) {
    const auto known = read_tuning(path, machine);
    if (known && ((known->amx > 0 && known->amx_skipping > 0) || amx_kernels() == nullptr)) return *known;
  }
  const Tuning tuning = measure_tuning();
  // Without a cache the next run measures again.
  if (!folder.empty()) write_tuning(path, machine, tuning);
  return tuning;
}

const Tuning& known_tuning() {
  static const Tuning tuning = tuning_of_this_machine();
  return tuning;
}

}  // namespace

Tuning measure_tuning() {
  return measure(kernels(), *bf16_kernels(), amx_kernels());
}

bool amx_pays(Pattern nm) {
  return bf16_pays(ProductKind::amx) && known_tuning().amx_skipping * nm.n >= static_cast<double>(nm.m);
}

bool bf16_pays(ProductKind kind) {
  const bool has = kind == ProductKind::amx ? amx_kernels() != nullptr : bf16_kernels() != nullptr;
  if (!has) return false;
  const Tuning& tuning = known_tuning();
  switch (kind) {
    case ProductKind::dense:
      return tuning.bf16_dense >= kClearlySlower;
    case ProductKind::skipping:
      return tuning.bf16_skipping >= kClearlySlower;
    case ProductKind::amx:
      break;
  }
  return tuning.amx >= kClearlySlower;
}

DType multiplied(DType operands, ProductKind kind) {
  return operands == DType::bf16 && bf16_pays(kind) ? DType::bf16 : DType::f32;
}

std::optional<Tuning> read_tuning(const std::filesystem::path& path, std::string_view machine) {
  try {
    const toml::table file = parse_toml(read_text(path.string(), "tuning"), path.string());
    const auto dense = file["bf16_dense"].value<double>();
    const auto skipping = file["bf16_skipping"].value<double>();
    const double amx = file["amx"].value_or(0.0);  // only where there is AMX
    const double amx_skipping = file["amx_skipping"].value_or(0.0);
    const bool sound = dense && skipping && *dense > 0 && *skipping > 0 && amx >= 0 && amx_skipping >= 0;
    if (!sound || file["machine"].value<std::string>() != machine) return std::nullopt;
    return Tuning{*dense, *skipping, amx, amx_skipping};
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool write_tuning(const std::filesystem::path& path, std::string_view machine, const Tuning& tuning) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  const std::filesystem::path fresh = fmt::format("{}.{}", path.string(), getpid());
  {
    std::ofstream file(fresh);
    file
        << "# How many times as fast as those of f32 the kernels of bf16 are here, as Satsuma has measured.\n"
        << "# Without this file it measures again; SATSUMA_TUNE=off takes fixed choices.\n"
        << fmt::format("machine = {}\nbf16_dense = {:.3f}\nbf16_skipping = {:.3f}\n",
                       quoted(std::string(machine)), tuning.bf16_dense, tuning.bf16_skipping);
    if (tuning.amx > 0)
      file << fmt::format("amx = {:.3f}\namx_skipping = {:.3f}\n", tuning.amx, tuning.amx_skipping);
    if (!file.flush()) error = std::make_error_code(std::errc::io_error);
  }
  if (!error) std::filesystem::rename(fresh, path, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(fresh, ignored);
  }
  return !error;
}

}  // namespace satsuma::cpu
