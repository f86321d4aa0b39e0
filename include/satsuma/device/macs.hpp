#pragma once

#include <cstdint>

#include "satsuma/device/geometry.hpp"
#include "satsuma/device/pass.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma {

/// Multiply-adds of one pass over one image whose output has `out_height` x `out_width` pixels (P Q), with a
/// weight that is `weight` along the axis that the pass reduces over; short groups count what they keep. For
/// one group of channels:
///   FF  K R S kept(C) P Q        BP  C R S kept(K) P Q        WU  K R S C P Q
/// A tap that falls on padding counts as an operation. With several groups the weight is dense.
std::int64_t pass_macs(const Geometry& geometry, Pass pass, Pattern weight, std::int64_t out_height,
                       std::int64_t out_width);

}  // namespace satsuma
