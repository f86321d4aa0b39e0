#include "src/data/transforms/colour.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "src/data/transforms/crop.hpp"

namespace satsuma::data {

namespace {

std::uint8_t mix(int other, int own, float factor) {
  const float value = static_cast<float>(other) + factor * static_cast<float>(own - other);
  return value <= 0 ? 0 : value >= 255 ? 255 : static_cast<std::uint8_t>(value);
}

std::uint8_t grey(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16);
}

void mix_with(Image& image, int other, double factor) {
  for (std::uint8_t& byte : image.pixels) byte = mix(other, byte, static_cast<float>(factor));
}

std::uint8_t clipped(double value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
}

/// Hue, saturation and value as PIL has them: bytes, of which a turn is 255, rounded down.
std::array<std::uint8_t, 3> to_hsv(const std::uint8_t* rgb) {
  const int most = std::max({rgb[0], rgb[1], rgb[2]});
  const int least = std::min({rgb[0], rgb[1], rgb[2]});
  if (most == least) return {0, 0, static_cast<std::uint8_t>(most)};
  const auto range = static_cast<float>(most - least);
  const auto distance = [&](int channel) { return static_cast<float>(most - rgb[channel]) / range; };
  float sixths = 0;
  if (rgb[0] == most) {
    sixths = distance(2) - distance(1);
  } else if (rgb[1] == most) {
    sixths = static_cast<float>(2.0 + static_cast<double>(distance(0)) - static_cast<double>(distance(2)));
  } else {
    sixths = static_cast<float>(4.0 + static_cast<double>(distance(1)) - static_cast<double>(distance(0)));
  }
  const auto hue = static_cast<float>(std::fmod(static_cast<double>(sixths) / 6.0 + 1.0, 1.0));
  const float saturation = range / static_cast<float>(most);
  return {clipped(std::trunc(static_cast<double>(hue) * 255.0)),
          clipped(std::trunc(static_cast<double>(saturation) * 255.0)), static_cast<std::uint8_t>(most)};
}

void from_hsv(const std::array<std::uint8_t, 3>& hsv, std::uint8_t* rgb) {
  const auto [hue, saturation, value] = hsv;
  if (saturation == 0) {
    std::fill_n(rgb, 3, value);
    return;
  }
  const double sixths = hue * 6.0 / 255.0;
  const int sector = static_cast<int>(std::floor(sixths));
  const double part = static_cast<float>(sixths - sector);
  const double strength = static_cast<float>(saturation / 255.0);
  const double v = value;
  const std::uint8_t p = clipped(std::round(v * (1.0 - strength)));
  const std::uint8_t q = clipped(std::round(v * (1.0 - strength * part)));
  const std::uint8_t t = clipped(std::round(v * (1.0 - strength * (1.0 - part))));
  const std::array<std::array<std::uint8_t, 3>, 6> colours = {
      {{value, t, p}, {q, value, p}, {p, value, t}, {p, q, value}, {t, p, value}, {value, p, q}}};
  std::copy_n(colours[static_cast<std::size_t>(sector % 6)].begin(), 3, rgb);
}

}  // namespace

void adjust_brightness(Image& image, double factor) {
  mix_with(image, 0, factor);
}

void adjust_contrast(Image& image, double factor) {
  double sum = 0;
  for (std::size_t i = 0; i < image.pixels.size(); i += static_cast<std::size_t>(image.channels))
    sum += image.channels == 3 ? grey(&image.pixels[i]) : image.pixels[i];
  const auto pixels = static_cast<double>(image.height * image.width);
  mix_with(image, static_cast<int>(sum / pixels + 0.5), factor);
}

void adjust_saturation(Image& image, double factor) {
  if (image.channels != 3) return;
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    const int other = grey(&image.pixels[i]);
    for (std::size_t c = i; c < i + 3; ++c)
      image.pixels[c] = mix(other, image.pixels[c], static_cast<float>(factor));
  }
}

void adjust_sharpness(Image& image, double factor) {
  const std::int64_t channels = image.channels;
  const std::int64_t stride = image.width * channels;
  std::vector<std::uint8_t> smooth = image.pixels;
  for (std::int64_t y = 1; y < image.height - 1; ++y) {
    const std::uint8_t* const row = image.row(y);
    for (std::int64_t i = channels; i < stride - channels; ++i) {
      int sum = 4 * row[i];
      for (const std::uint8_t* const line : {row - stride, row, row + stride})
        sum += line[i - channels] + line[i] + line[i + channels];
      smooth[static_cast<std::size_t>(y * stride + i)] = static_cast<std::uint8_t>((2 * sum + 13) / 26);
    }
  }
  for (std::size_t i = 0; i < smooth.size(); ++i)
    image.pixels[i] = mix(smooth[i], image.pixels[i], static_cast<float>(factor));
}

void adjust_hue(Image& image, double turns) {
  if (image.channels != 3) return;
  const auto shift = static_cast<std::uint8_t>(static_cast<int>(turns * 255));
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    std::array<std::uint8_t, 3> hsv = to_hsv(&image.pixels[i]);
    hsv[0] = static_cast<std::uint8_t>(hsv[0] + shift);
    from_hsv(hsv, &image.pixels[i]);
  }
}

void ColourJitter::apply(Image& image, Rng& rng) const {
  std::array<int, 4> order{0, 1, 2, 3};
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1],
              order[static_cast<std::size_t>(draw_below(static_cast<std::int64_t>(left), rng))]);
  const auto factor = [&](double range) { return draw_between(std::max(0.0, 1 - range), 1 + range, rng); };
  // All are drawn, so that the draws that follow do not depend on which of them are on.
  const double factors[] = {factor(brightness), factor(contrast), factor(saturation),
                            draw_between(-hue, hue, rng)};
  for (const int change : order) {
    if (change == 0 && brightness > 0) adjust_brightness(image, factors[0]);
    if (change == 1 && contrast > 0) adjust_contrast(image, factors[1]);
    if (change == 2 && saturation > 0) adjust_saturation(image, factors[2]);
    if (change == 3 && hue > 0) adjust_hue(image, factors[3]);
  }
}

}  // namespace satsuma::data
