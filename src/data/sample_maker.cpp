#include "src/data/sample_maker.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "satsuma/core/error.hpp"
#include "src/data/transforms/auto_augment.hpp"
#include "src/data/transforms/colour.hpp"
#include "src/data/transforms/crop.hpp"

namespace satsuma::data {

namespace {

/// Done to a batch, after normalisation.
bool is_of_batch(const Augmentation::Step& step) {
  return step.name == "random-erasing" || step.name == "mixup" || step.name == "cutmix";
}

/// The list as a shift and a flip, if it is no more.
std::optional<SampleMaker::Shift> as_shift(const std::vector<Augmentation::Step>& steps) {
  SampleMaker::Shift shift;
  std::size_t i = 0;
  if (i < steps.size() && steps[i].name == "pad-crop")
    shift.padding = static_cast<std::int64_t>(steps[i++].numbers[0]);
  if (i < steps.size() && steps[i].name == "flip") shift.flip = steps[i++].numbers[0];
  return i == steps.size() ? std::optional(shift) : std::nullopt;
}

void check_channels(const Augmentation::Step& step, std::int64_t channels) {
  if (channels == 1 || channels == 3) return;
  throw UsageError(
      fmt::format("--augment {} got images of {} channels, expected grey or RGB", step.name, channels));
}

}  // namespace

SampleMaker::SampleMaker(const Preprocess& preprocess, const Augmentation& expanded)
    : preprocess_(preprocess), least_side_(preprocess.least_side()) {
  std::vector<Augmentation::Step> own;
  std::remove_copy_if(expanded.steps.begin(), expanded.steps.end(), std::back_inserter(own), is_of_batch);
  if (!preprocess.resizes()) shift_ = as_shift(own);
  for (const Augmentation::Step& step : own) add(step);
}

void SampleMaker::add(const Augmentation::Step& step) {
  const Shape& size = preprocess_.output();
  const auto number = [&](std::size_t i) { return step.numbers.at(i); };
  const auto whole = [&](std::size_t i) { return static_cast<std::int64_t>(step.numbers.at(i)); };
  if (step.name == "pad-crop") {
    steps_.push_back([pad = whole(0)](Image& image, Rng& rng, Image& scratch) {
      const std::int64_t top = draw_below(2 * pad + 1, rng) - pad;
      const std::int64_t left = draw_below(2 * pad + 1, rng) - pad;
      crop(image, {top, left, image.height, image.width}, scratch);
    });
  } else if (step.name == "flip") {
    steps_.push_back([probability = number(0)](Image& image, Rng& rng, Image&) {
      if (draw_between(0, 1, rng) < probability) flip_horizontally(image);
    });
  } else if (step.name == "random-resized-crop") {
    if (const std::int64_t side = whole(0); side != 0 && (side != size[1] || side != size[2])) {
      throw UsageError(fmt::format(
          "--augment random-resized-crop got a side of {}, but the model gets images of {}x{}; leave the "
          "number out or give --image-size {}",
          side, size[1], size[2], side));
    }
    frames_ = false;
    least_side_ = 2 * std::max(size[1], size[2]);
    steps_.push_back([height = size[1], width = size[2]](Image& image, Rng& rng, Image& scratch) {
      resize_bilinear(image, draw_resized_crop(image.height, image.width, rng), height, width, scratch);
      std::swap(image, scratch);
    });
  } else if (step.name == "trivial-augment") {
    check_channels(step, size[0]);
    steps_.push_back([](Image& image, Rng& rng, Image& scratch) { trivial_augment(image, rng, scratch); });
  } else if (step.name == "rand-augment") {
    check_channels(step, size[0]);
    steps_.push_back([count = whole(0), level = whole(1)](Image& image, Rng& rng, Image& scratch) {
      rand_augment(image, static_cast<int>(count), static_cast<int>(level), rng, scratch);
    });
  } else if (step.name == "colour-jitter") {
    check_channels(step, size[0]);
    steps_.push_back([jitter = ColourJitter{number(0), number(1), number(2), number(3)}](
                         Image& image, Rng& rng, Image&) { jitter.apply(image, rng); });
  } else {
    throw UsageError(
        fmt::format("[loader] got the augmentation '{}', which is no step of its own", step.name));
  }
}

void SampleMaker::make(Image& image, Rng& rng, Image& scratch) const {
  if (frames_) {
    preprocess_.frame(image, scratch);
  } else if (image.channels != preprocess_.output()[0]) {
    throw FormatError(
        fmt::format("an image of {} channels, expected {}", image.channels, preprocess_.output()[0]));
  }
  for (const Step& step : steps_) step(image, rng, scratch);
}

}  // namespace satsuma::data
