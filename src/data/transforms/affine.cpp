#include "src/data/transforms/affine.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "src/data/transforms/crop.hpp"

namespace satsuma::data {

namespace {

std::int64_t fixed(double value) {
  return static_cast<std::int64_t>(std::floor(value * 65536.0 + 0.5));
}

double rounded_to_15(double value) {
  return std::nearbyint(value * 1e15) / 1e15;
}

/// torchvision's way to the factor: through the angle and back, in degrees and in radians.
double tangent(double factor) {
  const double degrees = std::atan(factor) * (180.0 / std::numbers::pi);
  return std::tan(degrees * (std::numbers::pi / 180.0));
}

}  // namespace

void transform_affine(Image& image, const std::array<double, 6>& matrix, Image& scratch) {
  scratch.resize(image.channels, image.height, image.width);
  std::fill(scratch.pixels.begin(), scratch.pixels.end(), std::uint8_t{0});
  const std::int64_t step_x = fixed(matrix[0]);
  const std::int64_t step_y = fixed(matrix[3]);
  const std::int64_t x0 = fixed(matrix[2] + matrix[0] * 0.5 + matrix[1] * 0.5);
  const std::int64_t y0 = fixed(matrix[5] + matrix[3] * 0.5 + matrix[4] * 0.5);
  const std::int64_t row_x = fixed(matrix[1]);
  const std::int64_t row_y = fixed(matrix[4]);
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::uint8_t* to = scratch.row(y);
    for (std::int64_t x = 0; x < image.width; ++x, to += image.channels) {
      const std::int64_t from_x = (x0 + y * row_x + x * step_x) >> 16;
      const std::int64_t from_y = (y0 + y * row_y + x * step_y) >> 16;
      if (from_x < 0 || from_x >= image.width || from_y < 0 || from_y >= image.height) continue;
      std::copy_n(image.row(from_y) + from_x * image.channels, image.channels, to);
    }
  }
  std::swap(image, scratch);
}

void shear_x(Image& image, double factor, Image& scratch) {
  transform_affine(image, {1, tangent(factor), 0, 0, 1, 0}, scratch);
}

void shear_y(Image& image, double factor, Image& scratch) {
  transform_affine(image, {1, 0, 0, tangent(factor), 1, 0}, scratch);
}

void translate(Image& image, std::int64_t dx, std::int64_t dy, Image& scratch) {
  crop(image, {-dy, -dx, image.height, image.width}, scratch);
}

void rotate(Image& image, double degrees, Image& scratch) {
  const double angle = -degrees * (std::numbers::pi / 180.0);
  const double cos = rounded_to_15(std::cos(angle));
  const double sin = rounded_to_15(std::sin(angle));
  const double cx = static_cast<double>(image.width) / 2;
  const double cy = static_cast<double>(image.height) / 2;
  transform_affine(image, {cos, sin, -cx * cos - cy * sin + cx, -sin, cos, cx * sin - cy * cos + cy},
                   scratch);
}

}  // namespace satsuma::data
