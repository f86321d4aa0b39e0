#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>

#include "data/golden.hpp"
#include "satsuma/train/safetensors.hpp"
#include "src/data/transforms/affine.hpp"
#include "src/data/transforms/auto_augment.hpp"
#include "src/data/transforms/colour.hpp"
#include "src/data/transforms/crop.hpp"
#include "src/data/transforms/tone.hpp"
#include "support.hpp"

// Pictures changed by torchvision 0.29 on Pillow 13: tools/crosscheck/make_transforms.py. All bytes are the
// same: the arithmetic is PIL's, of integers or in the same precision.

using namespace satsuma;
using data::Image;

namespace {

using Tensors = std::map<std::string, Tensor>;
using Numbers = std::vector<double>;

const Tensors& golden() {
  static const Tensors tensors = train::read_safetensors(SATSUMA_GOLDEN "/transforms.safetensors").tensors;
  return tensors;
}

Image picture_of(const Tensor& tensor) {
  Image image;
  image.resize(tensor.dim(2), tensor.dim(0), tensor.dim(1));
  image.pixels = tensor.to_vector<std::uint8_t>();
  return image;
}

Numbers numbers_of(std::string_view text) {
  Numbers numbers;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    REQUIRE(error == std::errc{});
    numbers.push_back(number);
    text.remove_prefix(std::min(text.size(), static_cast<std::size_t>(end - text.data()) + 1));
  }
  return numbers;
}

std::int64_t whole(double number) {
  return static_cast<std::int64_t>(number);
}

using Transform = std::function<void(Image&, const Numbers&, Image&)>;

const std::map<std::string, Transform, std::less<>> kTransforms = {
    {"resize",
     [](Image& image, const Numbers& n, Image& scratch) {
       data::resize_bilinear(image, {0, 0, image.height, image.width}, whole(n[0]), whole(n[1]), scratch);
       std::swap(image, scratch);
     }},
    {"resized-crop",
     [](Image& image, const Numbers& n, Image& scratch) {
       data::resize_bilinear(image, {whole(n[0]), whole(n[1]), whole(n[2]), whole(n[3])}, whole(n[4]),
                             whole(n[5]), scratch);
       std::swap(image, scratch);
     }},
    {"shorter", [](Image& image, const Numbers& n,
                   Image& scratch) { data::resize_shorter_side(image, whole(n[0]), scratch); }},
    {"centre", [](Image& image, const Numbers& n,
                  Image& scratch) { data::centre_crop(image, whole(n[0]), whole(n[1]), scratch); }},
    {"flip", [](Image& image, const Numbers&, Image&) { data::flip_horizontally(image); }},
    {"pad-crop",
     [](Image& image, const Numbers& n, Image& scratch) {
       data::crop(image, {whole(n[0]) - 4, whole(n[1]) - 4, image.height, image.width}, scratch);
     }},
    {"hue", [](Image& image, const Numbers& n, Image&) { data::adjust_hue(image, n[0]); }},
};

void change(Image& image, const std::string& name, const Numbers& numbers) {
  Image scratch;
  if (const auto found = kTransforms.find(name); found != kTransforms.end()) {
    found->second(image, numbers, scratch);
  } else {
    data::apply_change(image, static_cast<data::Change>(std::stoi(name)), numbers.at(0), scratch);
  }
}

}  // namespace

TEST_CASE("transforms give the bytes of torchvision on PIL") {
  int cases = 0;
  for (const auto& entry : golden()) {
    const auto& name = entry.first;
    const auto& expected = entry.second;
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || name.starts_with("magnitude")) continue;
    CAPTURE(name);
    const std::size_t colon = name.find(':');
    Image image = picture_of(golden().at(name.substr(0, slash)));
    change(image, name.substr(slash + 1, colon - slash - 1),
           numbers_of(std::string_view(name).substr(colon + 1)));
    REQUIRE(Shape{image.height, image.width, image.channels} == expected.shape());
    const auto bytes = expected.to_vector<std::uint8_t>();
    int different = 0;
    int most = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const int difference = std::abs(int{bytes[i]} - int{image.pixels[i]});
      different += difference != 0;
      most = std::max(most, difference);
    }
    CAPTURE(most);
    CHECK(different == 0);
    ++cases;
  }
  CHECK(cases == 2 * 52);
}

TEST_CASE("magnitudes are those of torchvision's tables") {
  int tables = 0;
  for (const auto& entry : golden()) {
    const auto& name = entry.first;
    const auto& expected = entry.second;
    if (!name.starts_with("magnitude")) continue;
    CAPTURE(name);
    const auto policy =
        name.find("trivial") != std::string::npos ? data::Policy::trivial : data::Policy::rand;
    const std::int64_t extent = std::stoi(name.substr(name.rfind('/') + 1));
    const auto values = expected.to_vector<double>();
    std::size_t i = 0;
    for (int change = 0; change < data::kChanges; ++change) {
      for (int level = 0; level < data::kMagnitudes; ++level, ++i) {
        CAPTURE(change);
        CAPTURE(level);
        CHECK(data::magnitude(policy, static_cast<data::Change>(change), level, extent) == values[i]);
      }
    }
    ++tables;
  }
  CHECK(tables == 4);
}
