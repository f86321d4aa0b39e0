#include "satsuma/train/recipe.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "satsuma/core/nearest.hpp"
#include "satsuma/data/loader.hpp"
#include "satsuma/device/plan.hpp"
#include "satsuma/optim/schedule.hpp"
#include "satsuma/sparse/method.hpp"
#include "satsuma/train/nm_schedule.hpp"

namespace satsuma::train {

namespace {

constexpr double kLargest = 1e12;

constexpr std::string_view kModel = "Model";
constexpr std::string_view kData = "Data";
constexpr std::string_view kSparsity = "Sparsity";
constexpr std::string_view kDevice = "Device";
constexpr std::string_view kTraining = "Training";
constexpr std::string_view kRun = "Run";

const RecipeField kFields[] = {
    {"model", kModel, "model to train; `satsuma models` lists them", &Recipe::model},
    {"stem", kModel, "first layers: cifar (3x3, small images) or imagenet (7x7 and pooling)", &Recipe::stem},
    {"width", kModel, "factor on the number of channels", &Recipe::width, 1e-3, 64},

    {"data", kData, "data set; `satsuma datasets` lists them", &Recipe::data},
    {"data-dir", kData, "where its files are; empty looks in the usual places", &Recipe::data_dir},
    {"input", kData, "synthetic: image as CHANNELSxHEIGHTxWIDTH, e.g. 3x32x32", &Recipe::input},
    {"classes", kData, "synthetic: number of classes, or auto, the data set's default", &Recipe::classes, 1,
     1e6, "auto"},
    {"limit-train", kData, "train on the first N images only, or all", &Recipe::limit_train, 1, kLargest,
     "all"},
    {"augment", kData, "standard (random crop and flip) or none", &Recipe::augment},
    {"shuffle", kData, "new order of the images in each epoch", &Recipe::shuffle},

    {"method", kSparsity, "what is pruned in which pass; `satsuma methods` lists them", &Recipe::method},
    {"nm", kSparsity, "N:M, at most N non-zeros in M weights", &Recipe::nm},
    {"wu", kSparsity,
     "N:M of the gradient that the weight gradient is made of, sampled along images, or dense", &Recipe::wu},
    {"bp", kSparsity, "sr-ste: weight in backward, masked (auto) or packed, N:M along output channels",
     &Recipe::bp},
    {"sr-ste", kSparsity, "lambda of SR-STE's decay of pruned weights, or auto, the method's own",
     &Recipe::sr_ste, 0, 1, "auto"},
    {"nm-for", kSparsity, "LAYERS=N:M, another pattern for layers by name; may be repeated", &Recipe::nm_for},
    {"dense", kSparsity, "layers by name that stay dense, e.g. 'fc|layer1.*'", &Recipe::dense},
    {"nm-schedule", kSparsity, "N:M over time instead of --nm: dense@0,4:8@0.2,2:8@0.5",
     &Recipe::nm_schedule},
    {"refresh-masks", kSparsity, "steps from one choice of the kept weights to the next",
     &Recipe::refresh_masks, 1, kLargest},

    {"device", kDevice, "who runs the layers; `satsuma devices` lists them", &Recipe::device},
    {"place", kDevice, "PATTERN=DEVICE, layers by name on another device; may be repeated", &Recipe::place},
    {"strict-device", kDevice, "a pass that its device refuses is an error, not a fallback",
     &Recipe::strict_device},
    {"precision", kDevice,
     "operands of products, sums and weights stay fp32: fp32, bf16, fp16, or auto, the device's own",
     &Recipe::precision},
    {"threads", kDevice, "threads that compute, or auto: the least of cores, CPU quota and OMP_NUM_THREADS",
     &Recipe::threads, 1, 4096, "auto"},

    {"epochs", kTraining, "passes over the training images", &Recipe::epochs, 0, 1e6},
    {"steps", kTraining, "stop after N steps in all, on the schedule of --epochs, or none: at its end",
     &Recipe::steps, 1, kLargest, "none"},
    {"batch-size", kTraining, "images in a step", &Recipe::batch_size, 1, 1e6},
    {"optimizer", kTraining, "how gradients change the weights; `satsuma optimizers` lists them",
     &Recipe::optimizer},
    {"lr", kTraining, "learning rate after warm-up, or auto, the optimiser's own", &Recipe::lr, 0, 1e6,
     "auto"},
    {"momentum", kTraining, "momentum of sgd", &Recipe::momentum, 0, 1},
    {"nesterov", kTraining, "Nesterov's form of momentum", &Recipe::nesterov},
    {"beta1", kTraining, "adam, adamw, lamb: decay rate of the mean gradient", &Recipe::beta1, 0, 1},
    {"beta2", kTraining, "adam, adamw, lamb: decay rate of the mean square", &Recipe::beta2, 0, 1},
    {"epsilon", kTraining, "adam, adamw, lamb: added to the root of the mean square", &Recipe::epsilon, 0, 1},
    {"weight-decay", kTraining, "weight decay, or auto, the optimiser's own", &Recipe::weight_decay, 0, 1e6,
     "auto"},
    {"decay-norms", kTraining, "weight decay of norms and biases, too; sgd decays all in any case",
     &Recipe::decay_norms},
    {"schedule", kTraining, "learning rate over time: cosine, constant or onecycle", &Recipe::schedule},
    {"warmup", kTraining, "share of all steps in which the rate rises from 0", &Recipe::warmup, 0, 1},
    {"label-smoothing", kTraining, "label smoothing of the loss", &Recipe::label_smoothing, 0, 1},
    {"seed", kTraining, "of weights, order, augmentation and dropout", &Recipe::seed, 0, 9007199254740992.0},
    {"init", kTraining, "start from the weights of this safetensors file", &Recipe::init},

    {"out", kRun, "run directory; runs/MODEL-DATA-METHOD when left out", &Recipe::out},
    {"log-every", kRun, "steps between lines of log.jsonl", &Recipe::log_every, 1, kLargest},
    {"save-every", kRun, "steps between checkpoints besides those after epochs, or none", &Recipe::save_every,
     1, kLargest, "none"},
};

template <typename T>
constexpr bool is_optional_v = false;
template <typename T>
constexpr bool is_optional_v<std::optional<T>> = true;

[[noreturn]] void refuse(const RecipeField& field, std::string_view typed, const std::string& expected) {
  throw UsageError(fmt::format("--{} got '{}', expected {}", field.key, typed, expected));
}

std::string range_of(const RecipeField& field, std::string_view kind) {
  if (!field.is_number()) return std::string(kind);
  const std::string range = fmt::format("{} from {} to {}", kind, field.least, field.most);
  return field.is_optional() ? fmt::format("{}, or {}", range, field.absent) : range;
}

template <typename T>
T parse_number(const RecipeField& field, std::string_view typed, std::string_view kind) {
  T value{};
  const char* const end = typed.data() + typed.size();
  const auto [stop, error] = std::from_chars(typed.data(), end, value);
  // The comparison is written so that NaN fails.
  const bool inside = static_cast<double>(value) >= field.least && static_cast<double>(value) <= field.most;
  if (error != std::errc{} || stop != end || !inside) refuse(field, typed, range_of(field, kind));
  return value;
}

bool parse_switch(const RecipeField& field, std::string_view typed) {
  if (typed == "true") return true;
  if (typed == "false") return false;
  refuse(field, typed, "true or false");
}

/// The weight of BP where the method lets choose; empty under `auto`.
std::optional<OperandKind> parse_bp_weight(std::string_view name) {
  if (name == "auto") return {};
  if (name == "masked") return OperandKind::masked;
  if (name == "packed") return OperandKind::packed;
  throw UsageError(unknown_name("--bp", name, {"auto", "masked", "packed"}));
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
  std::vector<std::string_view> known;
  for (const RecipeField& field : kFields) {
    if (field.key == key) return field;
    known.push_back(field.key);
  }
  throw UsageError(unknown_name("setting", key, known));
}

std::string RecipeField::text(const Recipe& recipe) const {
  return std::visit(
      [&](auto pointer) -> std::string {
        const auto& value = recipe.*pointer;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (is_optional_v<Value>) {
          return value ? fmt::format("{}", *value) : std::string(absent);
        } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
          return fmt::format("{}", fmt::join(value, " "));
        } else {
          return fmt::format("{}", value);
        }
      },
      member);
}

void RecipeField::set(Recipe& recipe, std::string_view typed) const {
  std::visit(
      [&](auto pointer) {
        auto& value = recipe.*pointer;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          value = std::string(typed);
        } else if constexpr (std::is_same_v<Value, std::vector<std::string>>) {
          value.emplace_back(typed);
        } else if constexpr (std::is_same_v<Value, bool>) {
          value = parse_switch(*this, typed);
        } else if constexpr (is_optional_v<Value>) {
          using Number = typename Value::value_type;
          constexpr std::string_view kKind = std::is_integral_v<Number> ? "a whole number" : "a number";
          value.reset();
          if (typed != absent) value = parse_number<Number>(*this, typed, kKind);
        } else if constexpr (std::is_same_v<Value, std::int64_t>) {
          value = parse_number<std::int64_t>(*this, typed, "a whole number");
        } else {
          value = parse_number<double>(*this, typed, "a number");
        }
      },
      member);
}

void RecipeField::clear(Recipe& recipe) const {
  std::visit(
      [&](auto pointer) {
        auto& value = recipe.*pointer;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (is_optional_v<Value>) value.reset();
        if constexpr (std::is_same_v<Value, std::vector<std::string>>) value.clear();
      },
      member);
}

void Recipe::check() const {
  parse_precision(precision);
  optim::check(optim::find_optimizer(optimizer), optimizer_settings());
  find_method(method);
  // Throws where patterns and expressions cannot be read, and where the method gives no choice.
  const LayerOptions layers = layer_options();
  planned({}, {&find_method(method), layers.pattern, layers.wu, layers.bp_weight});
  if (!nm_schedule.empty()) NmSchedule::parse(nm_schedule);
  if (refresh_masks > 1 && sr_ste.value_or(find_method(method).default_sr_ste) != 0) {
    throw UsageError(
        fmt::format("--refresh-masks got {}, expected 1 with --sr-ste: its mask is chosen in every step; or "
                    "give --sr-ste 0",
                    refresh_masks));
  }
  optim::parse_schedule(schedule);
  data::parse_augment(augment);
  for (const std::string& text : place) Placement::parse(text);
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
