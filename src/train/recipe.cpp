#include "satsuma/train/recipe.hpp"

#include <fmt/core.h>

#include <charconv>
#include <utility>

#include "satsuma/core/nearest.hpp"
#include "satsuma/data/augment.hpp"
#include "satsuma/device/plan.hpp"
#include "satsuma/optim/clip.hpp"
#include "satsuma/optim/span.hpp"
#include "satsuma/sparse/method.hpp"
#include "satsuma/train/duration.hpp"
#include "satsuma/train/fine_tuning.hpp"
#include "satsuma/train/nm_schedule.hpp"
#include "src/core/setting_body.hpp"
#include "src/train/class_weights.hpp"
#include "src/train/memory_limit.hpp"

namespace satsuma::train {

namespace {

constexpr double kLargest = 1e12;

constexpr std::string_view kModel = "Model";
constexpr std::string_view kData = "Data";
constexpr std::string_view kSparsity = "Sparsity";
constexpr std::string_view kDevice = "Device";
constexpr std::string_view kTraining = "Training";
constexpr std::string_view kRun = "Run";

constexpr RecipeTraits kNumber = {.takes_number = true};
constexpr RecipeTraits kFixed = {.on_resume = OnResume::fixed};
constexpr RecipeTraits kSilent = {.on_resume = OnResume::silent};
constexpr RecipeTraits kSpeed = {.same_result = true};
constexpr RecipeTraits kPlace = {.on_resume = OnResume::silent, .same_result = true};

const RecipeField kFields[] = {
    {{"model", "model to train; `satsuma models` lists them", &Recipe::model}, kModel, kFixed},
    {{"stem",
      "first layers, of vgg the last: cifar (small images) or imagenet (torchvision's, for 224 pixels)",
      &Recipe::stem},
     kModel,
     kFixed},
    {{"width", "factor on the number of channels", &Recipe::width, 1e-3, 64}, kModel, kFixed},

    {{"data", "data set; `satsuma datasets` lists them; a path, with a /, is a folder of pictures",
      &Recipe::data},
     kData,
     kFixed},
    {{"data-dir", "where its files are; empty looks in the usual places", &Recipe::data_dir}, kData, kPlace},
    {{"input", "synthetic: image as CHANNELSxHEIGHTxWIDTH; pictures: 1x64x64 reads grey", &Recipe::input},
     kData,
     kFixed},
    {{"classes", "synthetic: number of classes, or auto, the data set's default", &Recipe::classes, 1, 1e6,
      "auto"},
     kData,
     kFixed},
    {{"limit-train", "train on the first N images only, or all", &Recipe::limit_train, 1, kLargest, "all"},
     kData,
     kFixed},
    {{"val-share", "share of the training images kept for validation, or auto: 0.1 if there are none",
      &Recipe::val_share, 0, 0.9, "auto"},
     kData,
     kFixed},
    {{"image-size", "side of the model's images, or auto: the data set's own, for pictures the model's",
      &Recipe::image_size, 1, 65536, "auto"},
     kData,
     kFixed},
    {{"augment",
      "none, standard, strong, or a list with commas: pad-crop:4, flip, random-resized-crop, "
      "trivial-augment, "
      "rand-augment:2,9, colour-jitter:.4, random-erasing:.25, mixup:.2, cutmix:1",
      &Recipe::augment},
     kData,
     kFixed},
    {{"resize",
      "evaluation: shorter side before the crop, 0: as it is, or auto: pictures image-size * 256 / 224",
      &Recipe::resize, 0, 65536, "auto"},
     kData},
    {{"crop", "evaluation: side of the middle that is taken, 0: all, or auto: pictures image-size",
      &Recipe::crop, 0, 65536, "auto"},
     kData},
    {{"shuffle", "new order of the images in each epoch", &Recipe::shuffle}, kData},
    {{"workers", "threads that prepare batches, or auto: 1, for pictures as many as compute",
      &Recipe::workers, 1, 1024, "auto"},
     kData,
     kPlace},
    {{"skip-bad-images", "an image that cannot be read is passed over, not an error",
      &Recipe::skip_bad_images},
     kData},

    {{"method", "what is pruned in which pass; `satsuma methods` lists them", &Recipe::method}, kSparsity},
    {{"nm", "N:M, at most N non-zeros in M weights; N:MxV: V rows share their positions", &Recipe::nm},
     kSparsity},
    {{"wu",
      "N:M or N:MxV of the gradient that the weight gradient is made of, sampled along images, or dense",
      &Recipe::wu},
     kSparsity},
    {{"bp", "sr-ste: weight in backward, masked (auto) or packed, N:M along output channels", &Recipe::bp},
     kSparsity},
    {{"ff-bits", "bits of the weights in forward, rounded by output channel, or none: as they are",
      &Recipe::ff_bits, 2, 8, "none"},
     kSparsity},
    {{"sr-ste", "lambda of SR-STE's decay of pruned weights, or auto, the method's own", &Recipe::sr_ste, 0,
      1, "auto"},
     kSparsity},
    {{"nm-for", "LAYERS=N:M, another pattern for layers by name; may be repeated", &Recipe::nm_for},
     kSparsity},
    {{"budget-macs",
      "N of --nm by layer, chosen at the start so that a step takes this share of a dense one's "
      "multiply-adds, or none",
      &Recipe::budget_macs, 1e-3, 1, "none"},
     kSparsity},
    {{"dense", "layers by name that stay dense, e.g. 'fc|layer1.*'", &Recipe::dense}, kSparsity},
    {{"nm-schedule", "N:M over time instead of --nm: dense@0,4:8@0.2,2:8@0.5", &Recipe::nm_schedule},
     kSparsity},
    {{"refresh-masks", "steps from one choice of the kept weights to the next", &Recipe::refresh_masks, 1,
      kLargest},
     kSparsity},

    {{"device", "who runs the layers; `satsuma devices` lists them", &Recipe::device}, kDevice},
    {{"place", "PATTERN=DEVICE, layers by name on another device; may be repeated", &Recipe::place}, kDevice},
    {{"strict-device", "a pass that its device refuses is an error, not a fallback", &Recipe::strict_device},
     kDevice},
    {{"precision",
      "operands of products, sums and weights stay fp32: fp32, bf16, fp16, or auto, the device's own",
      &Recipe::precision},
     kDevice},
    {{"threads", "threads that compute, or auto: the least of cores, CPU quota and OMP_NUM_THREADS",
      &Recipe::threads, 1, 4096, "auto"},
     kDevice,
     kSpeed},

    {{"epochs", "passes over the training images", &Recipe::epochs, 0, 1e6}, kTraining},
    {{"steps", "stop after N steps in all, on the schedule of --epochs, or none: at its end", &Recipe::steps,
      1, kLargest, "none"},
     kTraining,
     kSilent},
    {{"batch-size", "images in a step", &Recipe::batch_size, 1, 1e6}, kTraining, kFixed},
    {{"optimizer", "how gradients change the weights; `satsuma optimizers` lists them", &Recipe::optimizer},
     kTraining,
     kFixed},
    {{"lr", "learning rate after warm-up, or auto, the optimiser's own", &Recipe::lr, 0, 1e6, "auto"},
     kTraining},
    {{"momentum", "momentum of sgd", &Recipe::momentum, 0, 1}, kTraining},
    {{"nesterov", "Nesterov's form of momentum", &Recipe::nesterov}, kTraining},
    {{"beta1", "adam, adamw, lamb: decay rate of the mean gradient", &Recipe::beta1, 0, 1}, kTraining},
    {{"beta2", "adam, adamw, lamb: decay rate of the mean square", &Recipe::beta2, 0, 1}, kTraining},
    {{"epsilon", "adam, adamw, lamb: added to the root of the mean square", &Recipe::epsilon, 0, 1},
     kTraining},
    {{"weight-decay", "weight decay, or auto, the optimiser's own", &Recipe::weight_decay, 0, 1e6, "auto"},
     kTraining},
    {{"decay-norms", "weight decay of norms and biases, too; sgd decays all in any case",
      &Recipe::decay_norms},
     kTraining},
    {{"schedule",
      "learning rate over time: constant, cosine, onecycle (linear), step, multi-step or polynomial",
      &Recipe::schedule},
     kTraining},
    {{"schedule-per", "the rate changes with each step or with each epoch", &Recipe::schedule_per},
     kTraining},
    {{"warmup", "in which the rate rises from 0: 500 steps, 5ep epochs, or a share of all steps, up to 1",
      &Recipe::warmup},
     kTraining,
     kNumber},
    {{"lr-floor", "least learning rate after warm-up", &Recipe::lr_floor, 0, 1e6}, kTraining},
    {{"lr-cycles", "cosine: how often the rate falls from its peak", &Recipe::lr_cycles, 1, 1e6}, kTraining},
    {{"lr-step", "step: from one fall to the next, as --warmup", &Recipe::lr_step}, kTraining, kNumber},
    {{"lr-milestones", "multi-step: where the rate falls, each as --warmup: 30ep,60ep",
      &Recipe::lr_milestones},
     kTraining,
     kNumber},
    {{"lr-gamma", "step, multi-step: factor of a fall", &Recipe::lr_gamma, 0, 1}, kTraining},
    {{"lr-power", "polynomial: exponent of the share that is left", &Recipe::lr_power, 0, 100}, kTraining},
    {{"clip", "gradients: norm:1, value:0.5, or agc:0.01 (adaptive, classifier left out); empty: as they are",
      &Recipe::clip},
     kTraining},
    {{"accumulate", "batches whose gradients make one step", &Recipe::accumulate, 1, 1e6}, kTraining, kFixed},
    {{"ema", "decay of an average of the weights, which is then evaluated and kept as best, or none",
      &Recipe::ema, 0, 1, "none"},
     kTraining},
    {{"label-smoothing", "label smoothing of the loss", &Recipe::label_smoothing, 0, 1}, kTraining},
    {{"class-weights", "weights of classes in the loss: balanced, or one for each: 1,2,0.5",
      &Recipe::class_weights},
     kTraining},
    {{"patience", "stop after N epochs without a better validation accuracy, or none", &Recipe::patience, 1,
      1e6, "none"},
     kTraining},
    {{"max-time", "stop, resumable, before so much time is over: 2h, 1h30m; empty: never", &Recipe::max_time},
     kTraining,
     kSilent},
    {{"auto-batch", "the largest batch whose step fits --memory, found by trial steps, for --batch-size",
      &Recipe::auto_batch},
     kTraining,
     kSilent},
    {{"memory", "limit of --auto-batch: 8GiB; empty: nine tenths of what is free", &Recipe::memory},
     kTraining,
     kSilent},
    {{"seed", "of weights, order, augmentation and dropout", &Recipe::seed, 0, 9007199254740992.0},
     kTraining,
     kFixed},
    {{"init", "start from the weights of this safetensors file, ours, torchvision's or timm's",
      &Recipe::init},
     kTraining,
     kSilent},
    {{"new-head", "the last layer begins anew, whatever --init has for it", &Recipe::new_head},
     kTraining,
     kSilent},
    {{"freeze", "parameters by name or layer that stay as they are, e.g. 'conv1|bn1|layer1.*'",
      &Recipe::freeze},
     kTraining,
     kFixed},
    {{"lr-for", "LAYERS=FACTOR on the learning rate, e.g. 'fc=10'; may be repeated", &Recipe::lr_for},
     kTraining},
    {{"layer-decay", "vit: factor on the learning rate from each block to the one before it",
      &Recipe::layer_decay, 1e-3, 1},
     kTraining},
    {{"drop-path", "stochastic depth: share of images that skip the last residual block, less before it",
      &Recipe::drop_path, 0, 0.99},
     kTraining,
     kFixed},
    {{"dropout", "dropout before the last layer, in vit in its blocks, or auto, the model's own",
      &Recipe::dropout, 0, 0.99, "auto"},
     kTraining,
     kFixed},
    {{"recompute", "less memory: blocks compute their activations again for the backward pass",
      &Recipe::recompute},
     kTraining,
     kSilent},

    {{"sync-bn",
      "under mpirun: batch norm's statistics are those of the whole batch, not of each rank's share",
      &Recipe::sync_bn},
     kTraining},
    {{"exchange", "under mpirun: how gradients travel between ranks, fp32 or bf16; sums are made in f64",
      &Recipe::exchange},
     kTraining,
     kSilent},

    {{"out", "run directory; runs/MODEL-DATA-METHOD when left out", &Recipe::out}, kRun, kPlace},
    {{"log-every", "steps between lines of log.jsonl", &Recipe::log_every, 1, kLargest}, kRun, kPlace},
    {{"save-every", "steps between checkpoints besides those after epochs, or none", &Recipe::save_every, 1,
      kLargest, "none"},
     kRun,
     kPlace},
    {{"keep-best", "keep the weights of the K best epochs, best-1 to best-K, if K > 1", &Recipe::keep_best, 1,
      1000},
     kRun},
    {{"tensorboard", "write an event file for TensorBoard into the run directory", &Recipe::tensorboard},
     kRun,
     kSilent},
};

/// The weight of BP where the method lets choose; empty under `auto`.
std::optional<OperandKind> parse_bp_weight(std::string_view name) {
  using Named = std::pair<std::string_view, std::optional<OperandKind>>;
  constexpr Named kWeights[] = {
      {"auto", {}}, {"masked", OperandKind::masked}, {"packed", OperandKind::packed}};
  return find_named("--bp", name, kWeights, &Named::first).second;
}

/// A budget is met by patterns of weights that do not change with time.
void check_budget(const Recipe& recipe) {
  if (!recipe.budget_macs) return;
  const Method& method = find_method(recipe.method);
  const Pattern pattern = Pattern::parse(recipe.nm);
  if (method.ff_weight == OperandKind::dense && method.bp_weight == OperandKind::dense) {
    throw UsageError(
        fmt::format("--budget-macs chooses patterns of weights, but method {} prunes none", recipe.method));
  }
  if (pattern.m == 1)
    throw UsageError(fmt::format("--budget-macs got --nm {}, expected groups of more than one", recipe.nm));
  if (!recipe.nm_schedule.empty()) throw UsageError("--budget-macs and --nm-schedule exclude each other");
  if (!recipe.nm_for.empty())
    throw UsageError("--budget-macs chooses what --nm-for would say; leave one of them out");
}

}  // namespace

std::span<const RecipeField> recipe_fields() {
  return kFields;
}

std::string_view renamed_setting(std::string_view key) {
  return key == "decay" ? "sr-ste" : "";
}

const RecipeField& find_recipe_field(std::string_view key) {
  if (const std::string_view name = renamed_setting(key); !name.empty())
    throw UsageError(fmt::format("unknown setting '{}'; it is called '{}' now", key, name));
  return find_named("setting", key, kFields, &RecipeField::key);
}

void RecipeField::set(Recipe& recipe, std::string_view typed) const {
  read(recipe, typed, fmt::format("--{}", key));
}

void Recipe::check() const {
  parse_precision(precision);
  constexpr std::string_view kExchanges[] = {"fp32", "bf16"};
  find_named("--exchange", exchange, kExchanges);
  optim::check(optim::find_optimizer(optimizer), optimizer_settings());
  find_method(method);
  // Throws where patterns and expressions cannot be read, and where the method gives no choice.
  const LayerOptions layers = layer_options();
  std::vector<Pattern> patterns = {layers.pattern};
  for (const LayerPattern& own : layers.nm_for) patterns.push_back(own.pattern);
  if (!nm_schedule.empty()) {
    for (const Pattern stage : NmSchedule::parse(nm_schedule).patterns()) patterns.push_back(stage);
  }
  for (const Pattern pattern : patterns)
    planned({}, {&find_method(method), pattern, layers.wu, layers.bp_weight, layers.ff_bits});
  check_budget(*this);
  if (find_method(method).transposable && sr_ste.value_or(0) != 0) {
    throw UsageError(
        fmt::format("--sr-ste got {}, expected 0 with method {}: its mask is along input channels alone",
                    *sr_ste, method));
  }
  if (refresh_masks > 1 && sr_ste.value_or(find_method(method).default_sr_ste) != 0) {
    throw UsageError(
        fmt::format("--refresh-masks got {}, expected 1 with --sr-ste: its mask is chosen in every step; or "
                    "give --sr-ste 0",
                    refresh_masks));
  }
  // Throw where what they read is wrong.
  learning_rates(1, 1);
  optim::Clip::parse(clip);
  check_class_weights(class_weights);
  if (!max_time.empty()) parse_duration("--max-time", max_time);
  if (!memory.empty()) parse_bytes("--memory", memory);
  data::parse_augment(augment);
  for (const std::string& text : place) Placement::parse(text);
  for (const std::string& text : lr_for) LayerRate::parse(text);
  if (new_head && init.empty()) throw UsageError("--new-head got no --init, of which it is another head");
  input_shape();
}

optim::Settings Recipe::optimizer_settings() const {
  optim::Settings settings;
  settings.momentum = momentum;
  settings.nesterov = nesterov;
  settings.beta1 = beta1;
  settings.beta2 = beta2;
  settings.epsilon = epsilon;
  settings.weight_decay = weight_decay.value_or(optim::find_optimizer(optimizer).default_weight_decay);
  settings.decay_norms = decay_norms;
  return settings;
}

optim::Schedule Recipe::learning_rates(std::int64_t total_steps, std::int64_t steps_per_epoch) const {
  constexpr std::string_view kPer[] = {"step", "epoch"};
  const auto steps_of = [&](const optim::Span& span) { return span.steps(total_steps, steps_per_epoch); };
  optim::Schedule rates;
  rates.kind = optim::parse_schedule(schedule);
  rates.peak = lr.value_or(optim::find_optimizer(optimizer).default_lr);
  rates.total_steps = total_steps;
  rates.warmup = steps_of(optim::Span::parse("--warmup", warmup));
  rates.floor = lr_floor;
  rates.cycles = lr_cycles;
  rates.step_size = steps_of(optim::Span::parse("--lr-step", lr_step));
  for (const optim::Span& span : optim::Span::parse_list("--lr-milestones", lr_milestones))
    rates.milestones.push_back(steps_of(span));
  rates.gamma = lr_gamma;
  rates.power = lr_power;
  rates.stride = find_named("--schedule-per", schedule_per, kPer) == "epoch" ? steps_per_epoch : 1;
  if (rates.floor > rates.peak)
    throw UsageError(fmt::format("--lr-floor got {}, expected at most --lr, {}", rates.floor, rates.peak));
  if (rates.step_size <= 0)
    throw UsageError(fmt::format("--lr-step got '{}', expected more than 0", lr_step));
  return rates;
}

std::vector<double> Recipe::lr_factors(const std::vector<nn::Parameter>& parameters) const {
  std::vector<LayerRate> rates;
  for (const std::string& text : lr_for) rates.push_back(LayerRate::parse(text));
  return train::lr_factors(parameters, rates, layer_decay);
}

void Recipe::fill_defaults() {
  const optim::Kind& kind = optim::find_optimizer(optimizer);
  if (!lr) lr = kind.default_lr;
  if (!weight_decay) weight_decay = kind.default_weight_decay;
  if (!sr_ste) sr_ste = find_method(method).default_sr_ste;
}

LayerOptions Recipe::layer_options() const {
  LayerOptions options;
  options.method = method;
  options.pattern = Pattern::parse(nm);
  options.wu = parse_dense_or_pattern(wu);
  options.bp_weight = parse_bp_weight(bp);
  options.ff_bits = static_cast<int>(ff_bits.value_or(0));
  for (const std::string& text : nm_for) options.nm_for.push_back(LayerPattern::parse(text));
  options.dense = dense;
  options.refresh_masks = refresh_masks;
  options.seed = static_cast<std::uint64_t>(seed);
  options.sr_ste = sr_ste;
  options.operands = parse_precision(precision);
  options.device = device;
  for (const std::string& text : place) options.placements.push_back(Placement::parse(text));
  options.strict = strict_device;
  return options;
}

Shape Recipe::input_shape() const {
  Shape shape;
  if (input.empty()) return shape;
  const char* position = input.data();
  const char* const end = position + input.size();
  for (;;) {
    std::int64_t extent = 0;
    const auto [stop, error] = std::from_chars(position, end, extent);
    if (error != std::errc{} || extent < 1 || extent > (1 << 20) || shape.rank() == 3) break;
    shape.push_back(extent);
    if (stop == end && shape.rank() == 3) return shape;
    if (stop == end || *stop != 'x') break;
    position = stop + 1;
  }
  throw UsageError(
      fmt::format("--input got '{}', expected CHANNELSxHEIGHTxWIDTH, for example 3x32x32", input));
}

}  // namespace satsuma::train

template struct satsuma::Setting<satsuma::train::Recipe>;
