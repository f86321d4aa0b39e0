#pragma once

#include <string>

#include "satsuma/train/lr_find.hpp"

namespace satsuma::tools {

/// The curve as rows of at most twenty rates, with what to take from it, on standard output.
void print_lr_curve(const train::LrCurve& curve);
/// The curve as an SVG file. Throws IoError.
void draw_lr_curve(const train::LrCurve& curve, const std::string& title, const std::string& path);

}  // namespace satsuma::tools
