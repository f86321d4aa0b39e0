#pragma once

#include <array>
#include <cstdint>

namespace satsuma {

/// Counter-based random numbers, Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// 2011). The whole state is three integers: what is drawn depends on nothing else, so a run can be resumed
/// bit for bit.
class Rng {
 public:
  /// Streams of one seed are independent: one each for weights, shuffling, augmentation, dropout.
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0);

  std::uint32_t next();
  /// Uniform in [0, 1), 24 bits.
  float uniform();
  /// Uniform in [0, n), unbiased. n > 0.
  std::uint64_t below(std::uint64_t n);
  /// Standard normal (Box-Muller).
  float normal();

  /// Numbers drawn so far; `seek(position())` on an equal Rng continues where this one stands.
  std::uint64_t position() const { return position_; }
  void seek(std::uint64_t position);

 private:
  void refill();

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  std::array<std::uint32_t, 4> block_{};
};

}  // namespace satsuma
