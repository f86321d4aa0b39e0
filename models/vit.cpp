#include "models/vit.hpp"

#include "satsuma/core/error.hpp"
#include "satsuma/nn/initialise.hpp"
#include "satsuma/ops/activation.hpp"
#include "satsuma/ops/arithmetic.hpp"
#include "satsuma/ops/attention.hpp"
#include "satsuma/ops/shape.hpp"

namespace satsuma::models {

namespace {

constexpr std::int64_t kWidth = 512;
constexpr std::int64_t kHeads = 8;  // scaled() makes every width a multiple of it
constexpr int kBlocks = 6;
constexpr double kEps = 1e-6;

std::int64_t patch_size(const Options& options) {
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

TransformerBlock::TransformerBlock(std::int64_t width, std::int64_t hidden, std::int64_t heads, Rng& rng)
    : heads_(heads),
      norm1_(add("norm1", std::make_shared<nn::LayerNorm>(width, kEps))),
      qkv_(add("attn.qkv", std::make_shared<nn::Linear>(width, 3 * width, rng))),
      proj_(add("attn.proj", std::make_shared<nn::Linear>(width, width, rng))),
      norm2_(add("norm2", std::make_shared<nn::LayerNorm>(width, kEps))),
      fc1_(add("mlp.fc1", std::make_shared<nn::Linear>(width, hidden, rng))),
      fc2_(add("mlp.fc2", std::make_shared<nn::Linear>(hidden, width, rng))) {}

Tensor TransformerBlock::forward(const Tensor& x) {
  const Tensor z = ops::add(x, (*proj_)(ops::self_attention((*qkv_)((*norm1_)(x)), heads_)));
  return ops::add(z, (*fc2_)(ops::gelu((*fc1_)((*norm2_)(z)))));
}

VisionTransformer::VisionTransformer(const Options& options, Rng& rng) {
  const std::int64_t width = scaled(kWidth, options.width);
  const std::int64_t patch = patch_size(options);
  const std::int64_t tokens = 1 + (options.input[1] / patch) * (options.input[2] / patch);
  class_token_ = add_parameter("cls_token", normal({1, 1, width}, 1e-6, rng));
  positions_ = add_parameter("pos_embed", normal({1, tokens, width}, 0.02, rng));
  patches_ = add("patch_embed.proj", patch_embedding(options.input[0], width, patch, rng));
  patches_->contraction()->keep_dense(kFirstConvolution);
  patches_->contraction()->read_data();
  for (int i = 0; i < kBlocks; ++i) {
    blocks_.push_back(
        add("blocks." + std::to_string(i), std::make_shared<TransformerBlock>(width, width, kHeads, rng)));
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
  for (const auto& block : blocks_) y = (*block)(y);
  // Each token is normalised by itself, so that the others can be left out before.
  y = ops::reshape(ops::slice(y, 1, 0, 1), {batch, width});
  return (*head_)((*norm_)(y));
}

std::shared_ptr<nn::Module> create_vit_cifar(const Options& options, Rng& rng) {
  const std::int64_t patch = patch_size(options);
  if (options.input[1] % patch != 0 || options.input[2] % patch != 0) {
    throw UsageError("vit_cifar with the stem '" + std::string(to_string(options.stem)) + "' got images of " +
                     std::to_string(options.input[1]) + "x" + std::to_string(options.input[2]) +
                     " pixels, expected multiples of " + std::to_string(patch));
  }
  return std::make_shared<VisionTransformer>(options, rng);
}

}  // namespace satsuma::models
