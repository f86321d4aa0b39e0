#include "satsuma/device/geometry.hpp"

#include <doctest/doctest.h>

#include <string>

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

std::string message_of(const Geometry& geometry, const Shape& input) {
  try {
    geometry.output_shape("conv2d", input);
  } catch (const ShapeError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("output sizes") {
  struct Case {
    Geometry geometry;
    Shape input;
    Shape output;
  };
  const Case cases[] = {
      {{.in_channels = 3, .out_channels = 8, .kernel = {3, 3}, .padding = {1, 1}},
       {2, 3, 32, 32},
       {2, 8, 32, 32}},
      {{.in_channels = 3, .out_channels = 8, .kernel = {7, 7}, .stride = {2, 2}, .padding = {3, 3}},
       {1, 3, 224, 224},
       {1, 8, 112, 112}},
      {{.in_channels = 1, .out_channels = 1, .kernel = {3, 2}, .stride = {2, 3}, .dilation = {2, 1}},
       {7, 1, 9, 10},
       {7, 1, 3, 3}},
      {{.in_channels = 4, .out_channels = 5}, {1, 4, 1, 6}, {1, 5, 1, 6}},
      {{.in_channels = 1, .out_channels = 1, .kernel = {2, 2}, .stride = {5, 5}}, {1, 1, 2, 6}, {1, 1, 1, 1}},
  };
  for (const Case& c : cases) {
    CAPTURE(to_string(c.geometry));
    CHECK(to_string(c.geometry.output_shape("conv2d", c.input)) == to_string(c.output));
  }
}

TEST_CASE("inputs that do not fit are refused with what was got and expected") {
  const Geometry geometry = {.in_channels = 64, .out_channels = 8, .kernel = {3, 3}, .padding = {1, 1}};
  CHECK(message_of(geometry, {1, 3, 32, 32}) ==
        "[conv2d] got [1, 3, 32, 32], expected [N, 64, H, W] for a 3x3 convolution of 64 to 8 channels, "
        "padding 1");
  CHECK(message_of(geometry, {1, 64, 32}).find("expected [N, 64, H, W]") != std::string::npos);
  Geometry wide = geometry;
  wide.padding = {0, 0};
  CHECK(message_of(wide, {1, 64, 5, 2}).find("expected a padded width of at least 3") != std::string::npos);
}

TEST_CASE("impossible geometries are refused") {
  const Geometry cases[] = {
      {.in_channels = 0, .out_channels = 1},
      {.in_channels = 1, .out_channels = -1},
      {.kernel = {0, 1}},
      {.stride = {1, 0}},
      {.padding = {-1, 0}},
      {.dilation = {0, 1}},
      {.groups = 0},
      {.in_channels = 4, .out_channels = 6, .groups = 4},
      {.in_channels = 6, .out_channels = 4, .groups = 4},
  };
  for (const Geometry& geometry : cases) {
    CAPTURE(to_string(geometry));
    CHECK_THROWS_AS(geometry.weight_shape(), ShapeError);
  }
  const Geometry grouped = {.in_channels = 4, .out_channels = 8, .kernel = {3, 1}, .groups = 4};
  CHECK(to_string(grouped.weight_shape()) == "[8, 1, 3, 1]");
}

}  // namespace satsuma
