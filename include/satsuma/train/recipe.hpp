#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "satsuma/core/setting.hpp"
#include "satsuma/optim/optimizer.hpp"
#include "satsuma/optim/schedule.hpp"
#include "satsuma/train/placement.hpp"

namespace satsuma::train {

/// Everything that decides what a training run computes: the settings of `satsuma train` and the keys of a
/// recipe file. What each means, its unit and its range are said once, in recipe_fields().
struct Recipe {
  std::string model = "resnet9";
  std::string stem = "cifar";
  double width = 1.0;

  std::string data = "fashion-mnist";
  std::string data_dir;
  std::string input;
  std::optional<std::int64_t> classes;
  std::optional<std::int64_t> limit_train;
  std::optional<double> val_share;
  std::optional<std::int64_t> image_size;
  std::string augment = "standard";
  std::optional<std::int64_t> resize;
  std::optional<std::int64_t> crop;
  bool shuffle = true;
  std::optional<std::int64_t> workers;
  bool skip_bad_images = false;

  std::string method = "dense";
  std::string nm = "2:8";
  std::string wu = "dense";
  std::string bp = "auto";
  std::optional<std::int64_t> ff_bits;
  std::optional<double> sr_ste;
  std::vector<std::string> nm_for;
  std::optional<double> budget_macs;
  std::string dense;
  std::string nm_schedule;
  std::int64_t refresh_masks = 1;

  std::string device = "cpu";
  std::vector<std::string> place;
  bool strict_device = false;
  std::string precision = "auto";
  std::optional<std::int64_t> threads;

  std::int64_t epochs = 3;
  std::optional<std::int64_t> steps;
  std::int64_t batch_size = 128;
  std::string optimizer = "sgd";
  std::optional<double> lr;
  double momentum = 0.9;
  bool nesterov = false;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  std::optional<double> weight_decay;
  bool decay_norms = false;
  std::string schedule = "cosine";
  std::string schedule_per = "step";
  std::string warmup = "0.2";
  double lr_floor = 0;
  std::int64_t lr_cycles = 1;
  std::string lr_step = "0.3";
  std::string lr_milestones = "0.5,0.75";
  double lr_gamma = 0.1;
  double lr_power = 1;
  std::string clip;
  std::int64_t accumulate = 1;
  std::optional<double> ema;
  double label_smoothing = 0.1;
  std::string class_weights;
  std::optional<std::int64_t> patience;
  std::string max_time;
  bool auto_batch = false;
  std::string memory;
  std::int64_t seed = 0;
  std::string init;
  bool new_head = false;
  std::string freeze;
  std::vector<std::string> lr_for;
  double layer_decay = 1.0;
  double drop_path = 0;
  std::optional<double> dropout;
  bool recompute = false;
  bool sync_bn = false;
  std::string exchange = "fp32";

  std::string out;
  std::int64_t log_every = 50;
  std::optional<std::int64_t> save_every;
  std::int64_t keep_best = 1;
  bool tensorboard = false;

  /// Throws UsageError when a value is unknown or out of range, or values do not fit each other.
  void check() const;
  LayerOptions layer_options() const;
  optim::Settings optimizer_settings() const;
  /// Throws UsageError where the floor is above the learning rate.
  optim::Schedule learning_rates(std::int64_t total_steps, std::int64_t steps_per_epoch) const;
  /// lr_factors() of --lr-for and --layer-decay.
  std::vector<double> lr_factors(const std::vector<nn::Parameter>& parameters) const;
  /// Fills in what the method and the optimiser decide where the user says nothing.
  void fill_defaults();
  /// `input` as a shape; rank 0 when it is empty. Throws UsageError unless it reads `CxHxW`.
  Shape input_shape() const;
};

/// What --resume makes of another value of a setting.
enum class OnResume : std::uint8_t {
  noted,   ///< the run goes on with it, and says so
  fixed,   ///< it would be another run: refused
  silent,  ///< the run goes on with it
};

struct RecipeTraits {
  bool takes_number = false;  ///< a text that a recipe file may give as a number
  OnResume on_resume = OnResume::noted;
  /// Where things are, how often they are written, who computes how fast: the same result whatever it is.
  bool same_result = false;
};

/// One setting of `satsuma train`: `batch-size` is the flag --batch-size and the recipe's key.
struct RecipeField : Setting<Recipe> {
  std::string_view group;  ///< heading under which help and recipe files list it
  RecipeTraits traits = {};

  /// Reads a value as it is typed on the command line; a list grows by one. Throws UsageError that says what
  /// was typed and what is expected.
  void set(Recipe& recipe, std::string_view typed) const;
};

/// All settings, in the order in which help and recipe files list them.
std::span<const RecipeField> recipe_fields();
/// Throws UsageError with the known names and the nearest one, or the new name of one that was renamed.
const RecipeField& find_recipe_field(std::string_view key);
/// What a setting of an earlier version is called now; empty where it was not renamed.
std::string_view renamed_setting(std::string_view key);

/// The settings of a TOML recipe on top of `base`. Throws IoError when the file cannot be read, and
/// FormatError, naming file, line and key, on bad TOML, an unknown key, a wrong type or a value out of range.
Recipe read_recipe(const std::filesystem::path& path, const Recipe& base = {});
/// The same from text; `source` stands for the file in messages.
Recipe parse_recipe(std::string_view text, std::string_view source, const Recipe& base = {});
/// The recipe as TOML, every setting with its value; parse_recipe() of it gives the same recipe.
std::string to_toml(const Recipe& recipe);

}  // namespace satsuma::train

extern template struct satsuma::Setting<satsuma::train::Recipe>;
