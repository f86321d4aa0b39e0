#pragma once

#include <vector>

#include "registry.hpp"
#include "satsuma/nn/conv2d.hpp"
#include "satsuma/nn/drop_path.hpp"
#include "satsuma/nn/dropout.hpp"
#include "satsuma/nn/layer_norm.hpp"
#include "satsuma/nn/linear.hpp"

namespace satsuma::models {

/// A vision transformer before scaling by options.width.
struct ViTForm {
  std::int64_t width;
  int blocks;
  std::int64_t heads;
  std::int64_t hidden;  ///< width of the hidden layer over `width`
  std::int64_t patch;   ///< pixels; 0 is 4 with the stem `cifar` and 16 with `imagenet`
};

/// What a block drops in training.
struct BlockDrops {
  BlockDrop path;
  double dropout = 0;
  std::shared_ptr<Rng> draws = {};  ///< of dropout
};

/// A pre-norm transformer block (Dosovitskiy et al., arXiv 2010.11929, equations 2 and 3) under timm's names:
///   z = x + drop(attn.proj(attention(attn.qkv(norm1(x)))))
///   y = z + drop(mlp.fc2(drop(gelu(mlp.fc1(norm2(z))))))
/// for tokens [N, T, width], where drop is dropout, and for the two branches stochastic depth, too.
class TransformerBlock : public nn::Module {
 public:
  TransformerBlock(std::int64_t width, std::int64_t hidden, std::int64_t heads, const BlockDrops& drops,
                   Rng& rng);

  Tensor forward(const Tensor& x) override;

 private:
  Tensor dropped(const Tensor& x);
  /// x + branch, where the branch may be left out.
  Tensor plus(const Tensor& x, const Tensor& branch);

  std::int64_t heads_;
  std::shared_ptr<nn::LayerNorm> norm1_;
  std::shared_ptr<nn::Linear> qkv_;
  std::shared_ptr<nn::Linear> proj_;
  std::shared_ptr<nn::LayerNorm> norm2_;
  std::shared_ptr<nn::Linear> fc1_;
  std::shared_ptr<nn::Linear> fc2_;
  std::shared_ptr<nn::Dropout> dropout_;     ///< null where there is none
  std::shared_ptr<nn::DropPath> drop_path_;  ///< null where there is none
};

/// A vision transformer (arXiv 2010.11929) under timm's names: `cls_token`, `pos_embed`, `patch_embed.proj`,
/// `blocks.0` and so on, `norm`, `head`. Learned positions, layer normalisation with eps 1e-6, the classifier
/// on the class token. options.width scales the width and the hidden layer to a multiple of the heads, whose
/// number stays. Positions start with a standard deviation of 0.02 and the class token at 1e-6, as in timm,
/// layers as all of ours do.
class VisionTransformer : public nn::Module {
 public:
  VisionTransformer(const ViTForm& form, const Options& options, Rng& rng);

  Tensor forward(const Tensor& x) override;
  /// Positions of another resolution, resample_positions().
  Tensor fitted(const std::string& name, const Tensor& value) const override;

 private:
  bool recompute_;
  std::array<std::int64_t, 2> grid_;  ///< patches along height and width
  Tensor class_token_;                ///< [1, 1, width]
  Tensor positions_;                  ///< [1, 1 + patches, width]
  std::shared_ptr<nn::Conv2d> patches_;
  std::shared_ptr<nn::Dropout> dropout_;  ///< of tokens with their positions; null where there is none
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  std::shared_ptr<nn::LayerNorm> norm_;
  std::shared_ptr<nn::Linear> head_;
};

/// Position embeddings [1, 1 + S, D] of a square grid of S patches for a grid of height x width patches,
/// [1, 1 + height * width, D]: that of the class token is kept, the others are resampled bicubically (a =
/// -0.5) with a filter that widens where the grid shrinks, as timm's resample_abs_pos_embed and PyTorch's
/// interpolate with antialias=True. Undefined where `positions` is no such tensor.
Tensor resample_positions(const Tensor& positions, std::int64_t height, std::int64_t width);

/// Its models throw UsageError for images that are no multiple of a patch.
Entry vision_transformer(std::string_view name, std::string_view summary, const ViTForm& form);

}  // namespace satsuma::models
