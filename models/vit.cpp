#include "models/vit.hpp"

#include <fmt/core.h>

#include <numeric>

#include "satsuma/core/error.hpp"
#include "satsuma/nn/initialise.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/attention.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

namespace {

constexpr double kEps = 1e-6;

std::int64_t patch_size(const ViTForm& form, const Options& options) {
  if (form.patch > 0) return form.patch;
  return options.stem == Stem::imagenet ? 16 : 4;
}

Tensor normal(const Shape& shape, double deviation, Rng& rng) {
  return nn::drawn(shape, [&] { return static_cast<float>(deviation) * rng.normal(); });
}

std::shared_ptr<nn::Conv2d> patch_embedding(std::int64_t inputs, std::int64_t width, std::int64_t patch,
                                            Rng& rng) {
  const Geometry geometry = {
      .in_channels = inputs, .out_channels = width, .kernel = {patch, patch}, .stride = {patch, patch}};
  return std::make_shared<nn::Conv2d>(geometry, rng, true);
}

}  // namespace

TransformerBlock::TransformerBlock(std::int64_t width, std::int64_t hidden, std::int64_t heads,
                                   const BlockDrops& drops, Rng& rng)
    : heads_(heads),
      norm1_(add("norm1", std::make_shared<nn::LayerNorm>(width, kEps))),
      qkv_(add("attn.qkv", std::make_shared<nn::Linear>(width, 3 * width, rng))),
      proj_(add("attn.proj", std::make_shared<nn::Linear>(width, width, rng))),
      norm2_(add("norm2", std::make_shared<nn::LayerNorm>(width, kEps))),
      fc1_(add("mlp.fc1", std::make_shared<nn::Linear>(width, hidden, rng))),
      fc2_(add("mlp.fc2", std::make_shared<nn::Linear>(hidden, width, rng))) {
  if (drops.dropout > 0) dropout_ = add("dropout", std::make_shared<nn::Dropout>(drops.dropout, drops.draws));
  if (drops.path.draws)
    drop_path_ = add("drop_path", std::make_shared<nn::DropPath>(drops.path.probability, drops.path.draws));
}

Tensor TransformerBlock::dropped(const Tensor& x) {
  return dropout_ ? (*dropout_)(x) : x;
}

Tensor TransformerBlock::plus(const Tensor& x, const Tensor& branch) {
  return ops::add(x, drop_path_ ? (*drop_path_)(branch) : branch);
}

Tensor TransformerBlock::forward(const Tensor& x) {
  const Tensor z = plus(x, dropped((*proj_)(ops::self_attention((*qkv_)((*norm1_)(x)), heads_))));
  return plus(z, dropped((*fc2_)(dropped(ops::gelu((*fc1_)((*norm2_)(z)))))));
}

VisionTransformer::VisionTransformer(const ViTForm& form, const Options& options, Rng& rng)
    : recompute_(options.recompute) {
  // A multiple of the heads, and of eight as all widths are.
  const std::int64_t width = scaled(form.width, options.width, std::lcm<std::int64_t>(8, form.heads));
  const std::int64_t patch = patch_size(form, options);
  grid_ = {options.input[1] / patch, options.input[2] / patch};
  const std::shared_ptr<Rng> draws = dropout_draws(rng);
  const double dropout = options.dropout.value_or(0);
  class_token_ = add_parameter("cls_token", normal({1, 1, width}, 1e-6, rng));
  positions_ = add_parameter("pos_embed", normal({1, 1 + grid_[0] * grid_[1], width}, 0.02, rng));
  patches_ = add("patch_embed.proj", patch_embedding(options.input[0], width, patch, rng));
  patches_->contraction()->keep_dense(kFirstConvolution);
  patches_->contraction()->read_data();
  if (dropout > 0) dropout_ = add("pos_drop", std::make_shared<nn::Dropout>(dropout, draws));
  for (int i = 0; i < form.blocks; ++i) {
    const BlockDrops drops = {block_drop(options, i, form.blocks - 1, draws), dropout, draws};
    blocks_.push_back(
        add("blocks." + std::to_string(i),
            std::make_shared<TransformerBlock>(width, form.hidden * width, form.heads, drops, rng)));
  }
  norm_ = add("norm", std::make_shared<nn::LayerNorm>(width, kEps));
  head_ = add("head", std::make_shared<nn::Linear>(width, options.classes, rng));
}

Tensor VisionTransformer::forward(const Tensor& x) {
  const Tensor image = (*patches_)(x);
  const std::int64_t batch = image.dim(0);
  const std::int64_t width = image.dim(1);
  // Blocked activations lie pixel by pixel: their view as tokens is in order, and nothing moves before
  // concat.
  const Tensor patches =
      ops::permute(ops::reshape(image, {batch, width, image.dim(2) * image.dim(3)}), {0, 2, 1});
  const Tensor parts[] = {ops::expand(class_token_, {batch, 1, width}), patches};
  Tensor y = ops::add(ops::concat(parts, 1), positions_);
  if (dropout_) y = (*dropout_)(y);
  for (const auto& block : blocks_) y = run_block(block, y, recompute_);
  // Each token is normalised by itself, so that the others can be left out before.
  y = ops::reshape(ops::slice(y, 1, 0, 1), {batch, width});
  return (*head_)((*norm_)(y));
}

Tensor VisionTransformer::fitted(const std::string& name, const Tensor& value) const {
  return name == "pos_embed" ? resample_positions(value, grid_[0], grid_[1]) : Tensor();
}

Entry vision_transformer(std::string_view name, std::string_view summary, const ViTForm& form) {
  const auto create = [name, form](const Options& options, Rng& rng) {
    const std::int64_t patch = patch_size(form, options);
    if (options.input[1] % patch != 0 || options.input[2] % patch != 0) {
      throw UsageError(
          fmt::format("{} with the stem '{}' got images of {}x{} pixels, expected multiples of {}", name,
                      to_string(options.stem), options.input[1], options.input[2], patch));
    }
    return std::make_shared<VisionTransformer>(form, options, rng);
  };
  return {name, summary, create, form.patch > 0 ? 224 : 32};
}

}  // namespace satsuma::models
