#include "satsuma/train/auto_batch.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <span>

#include "satsuma/core/allocator.hpp"
#include "satsuma/core/error.hpp"
#include "satsuma/core/rng.hpp"
#include "satsuma/train/ema.hpp"
#include "satsuma/train/loading.hpp"
#include "src/train/class_weights.hpp"
#include "src/train/memory_limit.hpp"
#include "src/train/step.hpp"

namespace satsuma::train {

namespace {

constexpr std::int64_t kLanes = 16;

std::size_t footprint() {
  const MemoryUse use = memory_use();
  return use.in_use + use.cached;
}

data::Batch random_batch(const ExperimentData& data, std::int64_t count) {
  Rng rng(0, 1);
  Tensor images = Tensor::empty({count, data.input[0], data.input[1], data.input[2]});
  for (float& value : std::span(images.data<float>(), static_cast<std::size_t>(images.numel())))
    value = rng.normal();
  Tensor labels = Tensor::empty({count}, DType::i64);
  for (auto& label : std::span(labels.data<std::int64_t>(), static_cast<std::size_t>(count)))
    label = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(data.classes)));
  return {images.to(MemoryFormat::batch_blocked), labels, {}, {}};
}

struct Use {
  double before = 0;  ///< without batches
  double most = 0;
};

Use use_of(const Recipe& recipe, const ExperimentData& data, std::int64_t batch_size) {
  Recipe own = recipe;
  own.batch_size = batch_size;
  release_cached_memory();
  const auto model = make_model(own, data.input, data.classes);
  optim::Optimizer optimizer(optim::find_optimizer(own.optimizer), model->parameters(),
                             own.optimizer_settings());
  std::optional<WeightAverage> average;
  if (own.ema) average.emplace(*model, *own.ema);
  Use use;
  use.before = static_cast<double>(footprint());
  Step step(own, *model, optimizer, {});
  std::optional<LossScale> scale;
  if (multiplies_fp16(*model)) scale = LossScale();
  const data::Batch batch = random_batch(data, batch_size);
  model->train();
  // The second step has what the first has left: state, packed weights. Two parts of a group take what many
  // do.
  for (std::int64_t i = 0; i < 2; ++i) {
    const std::int64_t group = std::min<std::int64_t>(own.accumulate, 2);
    step.begin(i, group);
    for (std::int64_t part = 0; part < group; ++part) {
      step.forward(batch, i);
      step.backward(scale);
    }
    step.update(0, scale);
  }
  const data::LoaderOptions loader = training_options(own, data);
  const double kept_ready = loader.prefetch + loader.threads;
  use.most = static_cast<double>(footprint()) +
             kept_ready * static_cast<double>(batch.images.extent()) * sizeof(float);
  return use;
}

std::int64_t rounded(std::int64_t count) {
  return count > kLanes ? count / kLanes * kLanes : count;
}

}  // namespace

std::size_t memory_limit(const Recipe& recipe) {
  if (!recipe.memory.empty()) return parse_bytes("--memory", recipe.memory);
  return footprint() + available_memory() / 10 * 9;
}

std::int64_t find_batch_size(const Recipe& recipe, const ExperimentData& data, std::size_t limit,
                             Progress& progress) {
  const auto most = static_cast<double>(limit);
  const std::int64_t images = data.train->size();
  std::int64_t fits = 0;
  for (std::int64_t next = 1; next > fits;) {
    const Use use = use_of(recipe, data, next);
    progress.say(fmt::format("batch {}: {:.0f} MiB of {:.0f} MiB", next, use.most / 0x1p20, most / 0x1p20));
    if (use.most > most) break;
    fits = next;
    // What grows with the batch grows at most in proportion to it.
    const double grows = std::max(use.most - use.before, 1.0);
    const double times = (most - use.before) / grows;
    next = rounded(
        static_cast<std::int64_t>(std::min(times * static_cast<double>(fits), static_cast<double>(images))));
  }
  release_cached_memory();
  if (fits > 0) return fits;
  throw UsageError(
      fmt::format("--auto-batch: a step with one image does not fit into {:.0f} MiB; give more --memory, or "
                  "a smaller model",
                  most / 0x1p20));
}

}  // namespace satsuma::train
