#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "satsuma/device/device.hpp"
#include "satsuma/device/sgd_rule.hpp"
#include "satsuma/sat/schedule.hpp"

// What the driver asks of SAT. Commands hold addresses and sizes, nothing that a card could not be sent; they
// are carried out in the order in which they are submitted.

namespace satsuma::sat::driver {

/// A byte of device memory.
using Address = std::uint64_t;
inline constexpr Address kNowhere = ~Address{0};

/// Host memory to device memory, as it is.
struct Load {
  const void* from = nullptr;
  Address to = kNowhere;
  std::int64_t bytes = 0;
};

/// FP32 in host memory to FP16 in device memory, rounded to nearest even on the way. Of a batch-blocked
/// activation the last block may have lanes without an image: they are loaded as zeros.
struct LoadHalves {
  const float* from = nullptr;
  Address to = kNowhere;
  std::int64_t count = 0;
  std::int64_t last_block = 0;    ///< numbers before the block whose lanes are not all images; count for none
  std::int32_t valid_lanes = 16;  ///< in that block
};

/// Device memory to host memory, as it is.
struct Store {
  Address from = kNowhere;
  void* to = nullptr;
  std::int64_t bytes = 0;
};

/// FF, BP or WU on the STCE. FP16 operands, FP32 results; activations are batch-blocked.
struct Contract {
  Pass pass = Pass::ff;
  Dataflow dataflow = Dataflow::output_stationary;  ///< as scheduled; no bit depends on it
  Geometry geometry;
  std::int64_t images = 0;
  Pair in_size = {};     ///< height and width of x
  Pair out_size = {};    ///< of y
  Pattern pattern = {};  ///< of the weight, along the channels that the pass reduces over

  Address x = kNowhere;        ///< FF, WU
  Address dy = kNowhere;       ///< BP, WU; what is multiplied, after SORE where that prunes it
  Address bias_dy = kNowhere;  ///< WU: the whole dY, which dbias sums
  Address weight = kNowhere;   ///< FF, BP: [K][R][S][C], or kept values [row][R][S][kept]
  Address indices = kNowhere;  ///< u8, position in the group, [row / V][R][S][kept]; nowhere when dense
  Address bias = kNowhere;     ///< FF: FP32 [K], nowhere for none
  Address result = kNowhere;   ///< y, dX, or dW [K][R][S][C]
  Address dbias = kNowhere;    ///< WU: [K], nowhere for none
};

/// Where a weight's kept elements go, [row][R][S][kept] each; indices [row / V][R][S][kept].
struct PackedAddress {
  Address values = kNowhere;   ///< FP32
  Address halves = kNowhere;   ///< FP16, what Contract reads
  Address indices = kNowhere;  ///< u8
};

/// Dense master weights to N:M on the SORE, ranked by their FP32 magnitudes.
struct Reduce {
  Address weight = kNowhere;            ///< FP32 [K][R][S][C]
  std::array<std::int64_t, 4> shape{};  ///< K, C, R, S
  GroupAxis axis = GroupAxis::input_channels;
  Pattern pattern;
  PackedAddress to;
};

/// Step of momentum SGD on the WUVE in FP32, and pre-generation: the SORE reduces the new weights right
/// behind it.
struct Update {
  Address weight = kNowhere;
  Address gradient = kNowhere;
  Address velocity = kNowhere;          ///< nowhere without momentum
  std::array<std::int64_t, 4> shape{};  ///< K, C, R, S of all three, [K][R][S][C]
  SgdStep step;
  Pattern pattern;
  PackedAddress ff;  ///< W_ff of the next step, nowhere for none
  PackedAddress bp;
};

using Command = std::variant<Load, LoadHalves, Store, Contract, Reduce, Update>;

}  // namespace satsuma::sat::driver
