#include "src/data/transforms/erasing.hpp"

#include <cmath>

#include "src/data/transforms/crop.hpp"

namespace satsuma::data {

Box draw_erasing(double probability, std::int64_t height, std::int64_t width, Rng& rng) {
  if (draw_between(0, 1, rng) >= probability) return {};
  const double area = static_cast<double>(height) * static_cast<double>(width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double wanted = area * draw_between(0.02, 0.33, rng);
    const double ratio = std::exp(draw_between(std::log(0.3), std::log(3.3), rng));
    const auto h = static_cast<std::int64_t>(std::nearbyint(std::sqrt(wanted * ratio)));
    const auto w = static_cast<std::int64_t>(std::nearbyint(std::sqrt(wanted / ratio)));
    if (h >= height || w >= width) continue;
    const std::int64_t top = draw_below(height - h + 1, rng);
    return {top, draw_below(width - w + 1, rng), h, w};
  }
  return {};
}

void erase(Tensor& images, std::int64_t n, const Box& box) {
  if (box.height == 0 || box.width == 0) return;
  const std::int64_t channels = images.dim(1);
  float* const values = images.data<float>();
  const std::int64_t pixel = channels * kLanes;
  for (std::int64_t y = box.top; y < box.top + box.height; ++y) {
    float* const row = values + images.offset({n, 0, y, box.left});
    for (std::int64_t i = 0; i < box.width * pixel; i += kLanes) row[i] = 0;
  }
}

}  // namespace satsuma::data
