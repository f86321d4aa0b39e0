#pragma once

#include <vector>

#include "registry.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/layer_norm.hpp"
#include "satsuma/nn/linear.hpp"

namespace satsuma::models {

/// A pre-norm transformer block (Dosovitskiy et al., arXiv 2010.11929, equations 2 and 3) under timm's names:
///   z = x + attn.proj(attention(attn.qkv(norm1(x))))
///   y = z + mlp.fc2(gelu(mlp.fc1(norm2(z))))
/// for tokens [N, T, width].
class TransformerBlock : public nn::Module {
 public:
  TransformerBlock(std::int64_t width, std::int64_t hidden, std::int64_t heads, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t heads_;
  std::shared_ptr<nn::LayerNorm> norm1_;
  std::shared_ptr<nn::Linear> qkv_;
  std::shared_ptr<nn::Linear> proj_;
  std::shared_ptr<nn::LayerNorm> norm2_;
  std::shared_ptr<nn::Linear> fc1_;
  std::shared_ptr<nn::Linear> fc2_;
};

/// A small vision transformer (arXiv 2010.11929) under timm's names: `cls_token`, `pos_embed`,
/// `patch_embed.proj`, `blocks.0` to `blocks.5`, `norm`, `head`. Six blocks of width 512 with 8 heads and a
/// hidden layer of 512, learned positions, layer normalisation with eps 1e-6, the classifier on the class
/// token. Patches are 4x4 pixels with the stem `cifar`, for images of 32 or 64 pixels, and 16x16 with
/// `imagenet`, for 224. options.width scales the width and the hidden layer; there are always 8 heads.
/// Positions start with a standard deviation of 0.02 and the class token at 1e-6, as in timm, layers as all
/// of ours do.
class VisionTransformer : public nn::Module {
 public:
  VisionTransformer(const Options& options, Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  Tensor class_token_;  ///< [1, 1, width]
  Tensor positions_;    ///< [1, 1 + patches, width]
  std::shared_ptr<nn::Conv2d> patches_;
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  std::shared_ptr<nn::LayerNorm> norm_;
  std::shared_ptr<nn::Linear> head_;
};

/// Throws UsageError for images that are no multiple of a patch.
std::shared_ptr<nn::Module> create_vit_cifar(const Options& options, Rng& rng);

}  // namespace satsuma::models
