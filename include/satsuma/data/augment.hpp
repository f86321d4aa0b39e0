#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace satsuma::data {

/// What is done to training images, in order: the list of `--augment`.
///
/// | name                  | numbers (default)              | what |
/// |-----------------------|--------------------------------|----------------------------------------------------------|
/// | `pad-crop`            | pixels (4)                     | a crop of the same size from a border of black
/// | | `flip`                | probability (0.5)              | left and right exchanged | |
/// `random-resized-crop` | side (that of the model)       | 8 to 100 % of the area, 3:4 to 4:3, resized to
/// `side`    | | `trivial-augment`     |                                | TrivialAugmentWide: one change of
/// any strength           | | `rand-augment`        | changes (2), strength (9 of 30)| RandAugment | |
/// `colour-jitter`       | brightness, contrast, saturation, hue (0.4); one number is the first three |
/// ColorJitter  | | `random-erasing`      | probability (0.25)             | RandomErasing: 2 to 33 % of the
/// area, after normalisation| | `mixup`, `cutmix`     | alpha (0.2; 1)                 | images of a batch
/// mixed with those before, soft labels   |
///
/// Each is torchvision's of that name (PIL backend; pixels that are turned or sheared are the nearest,
/// resizing is bilinear with antialiasing). Erasing follows normalisation, so that what is erased is the
/// mean; mixing comes last, by one of the two for a batch. Presets: `none`; `standard`: pad-crop,flip where
/// images have the model's size and random-resized-crop,flip where they are resized; `strong`: standard,
/// trivial-augment, random-erasing:0.1, mixup and cutmix. A preset may be followed by others:
/// `standard,mixup`.
struct Augmentation {
  struct Step {
    std::string name;
    std::vector<double> numbers;  ///< all that the step has, defaults filled in

    bool operator==(const Step&) const = default;
  };
  std::vector<Step> steps;

  bool operator==(const Augmentation&) const = default;
  /// The step of that name, or null.
  const Step* find(std::string_view name) const;
  /// The same with presets replaced by what they stand for; `resized`: images do not have the model's size.
  Augmentation expanded(bool resized) const;
};

/// Reads a list as it is typed. A comma separates steps and the numbers of one:
/// `flip,rand-augment:2,9,mixup:.2`. Throws UsageError that says what was typed and what is allowed.
Augmentation parse_augment(std::string_view text);
/// The list as it would be typed, with all numbers.
std::string to_string(const Augmentation& augment);

}  // namespace satsuma::data
