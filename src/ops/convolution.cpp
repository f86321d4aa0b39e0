#include "satsuma/ops/convolution.hpp"

#include <fmt/core.h>

#include <vector>

#include "satsuma/autograd/node.hpp"
#include "src/ops/broadcast.hpp"
#include "src/ops/saved_tensor.hpp"
#include "src/ops/support.hpp"

namespace satsuma::ops {

namespace {

/// The derivative of both ops. `as_input` and `as_output` turn tensors of the op into images [N, C, H, W] and
/// back; the contraction only knows images.
std::vector<Tensor> gradients(Contraction& contraction, const SavedTensor& image, const Shape& image_shape,
                              const Tensor& dy, const std::vector<bool>& needs) {
  std::vector<Tensor> result(3);
  if (needs[0]) result[0] = contraction.backward_data(dy, image_shape);
  if (needs[1]) {
    Contraction::WeightGradient grad = contraction.backward_weights(image.wide(), dy, needs[2]);
    result[1] = std::move(grad.weight);
    result[2] = std::move(grad.bias);
  } else if (needs[2]) {
    const Shape channels = {dy.dim(1)};
    result[2] = sum_to(dy, {1, channels[0], 1, 1}).reshape_view(channels);
  }
  return result;
}

Attributes attributes_of(const Geometry& geometry) {
  const auto pair = [](const Pair& of) { return std::vector<std::int64_t>(of.begin(), of.end()); };
  return {{"kernel", pair(geometry.kernel)},
          {"stride", pair(geometry.stride)},
          {"padding", pair(geometry.padding)},
          {"dilation", pair(geometry.dilation)},
          {"groups", geometry.groups}};
}

/// What the derivative of the weight will read, `x` as an image; nothing when it is not wanted.
/// A product of bf16 rounds it anyway, so that nothing is lost where it is kept rounded; others get it as it
/// is, also where the layers around them do not.
SavedTensor saved_input(const Contraction& contraction, const Tensor& image, const Tensor& x,
                        const Tensor& weight) {
  if (!needs_grad({weight})) return {};
  const bool rounds = contraction.plan().operands == DType::bf16;
  return {image.detach(), x, rounds ? saved_precision() : DType::f32};
}

/// `x` under another shape in which the same elements are in the same places, as long as both are in a format
/// of activations.
Tensor seen_as(const Tensor& x, const Shape& shape) {
  const Tensor source = activation(x);
  return source.view(shape, layout_of(shape, format_with(source.lanes())));
}

/// [N, T, D] as the image [N, D, 1, T], and [N, D] as [N, D, 1, 1].
Tensor as_image(const Tensor& x) {
  return seen_as(x, x.rank() == 2 ? Shape{x.dim(0), x.dim(1), 1, 1} : Shape{x.dim(0), x.dim(2), 1, x.dim(1)});
}

/// The inverse of as_image().
Tensor as_rows(const Tensor& image, int rank) {
  return seen_as(
      image, rank == 2 ? Shape{image.dim(0), image.dim(1)} : Shape{image.dim(0), image.dim(3), image.dim(1)});
}

}  // namespace

Tensor convolution(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   std::shared_ptr<Contraction> contraction) {
  const bool constant = !needs_grad({x, weight, bias});
  Tensor y = contraction->forward(x, bias, constant);
  const Operation operation = {"conv2d", {x, weight, bias}, attributes_of(contraction->geometry())};
  return record(operation, y, [&]() -> Backward {
    SavedTensor saved = saved_input(*contraction, x, x, weight);
    return [contraction = std::move(contraction), saved = std::move(saved), input = x.shape()](
               const Tensor& dy, const std::vector<bool>& needs) {
      return gradients(*contraction, saved, input, dy, needs);
    };
  });
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              std::shared_ptr<Contraction> contraction) {
  const std::int64_t features = contraction->geometry().in_channels;
  if ((x.rank() != 2 && x.rank() != 3) || x.dim(-1) != features) {
    throw ShapeError(fmt::format("[linear] got {}, expected [N, {}] or [N, T, {}]", to_string(x.shape()),
                                 features, features));
  }
  const Tensor image = as_image(x);
  const int rank = x.rank();
  const bool constant = !needs_grad({x, weight, bias});
  Tensor y = as_rows(contraction->forward(image, bias, constant), rank);
  return record({"linear", {x, weight, bias}}, y, [&]() -> Backward {
    SavedTensor saved = saved_input(*contraction, image, x, weight);
    return [contraction = std::move(contraction), saved = std::move(saved), input = image.shape(), rank,
            weight_shape = weight.shape()](const Tensor& dy, const std::vector<bool>& needs) {
      std::vector<Tensor> result = gradients(*contraction, saved, input, as_image(dy), needs);
      if (result[0].defined()) result[0] = as_rows(result[0], rank);
      if (result[1].defined()) result[1] = result[1].reshape_view(weight_shape);
      return result;
    };
  });
}

}  // namespace satsuma::ops
