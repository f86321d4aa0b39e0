#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/core/tensor.hpp"
#include "satsuma/distributed/communicator.hpp"

namespace satsuma::distributed {

/// The gradients of all ranks added up, while backward() still makes them.
///
/// Parameters are cut into buckets of some MiB, the last parameter first, as backward() reaches it first; a
/// bucket is full at half of what is left, for behind the last ones there is nothing to hide in.
/// Each bucket is cut into as many slices as there are ranks: rank r gets slice r of all (all-to-all), adds
/// them up in the order of ranks and gives the sum to all (all-gather). So the sum is the same bits on all
/// ranks, and from one run to the next, whatever carries it: it depends on the number of ranks alone. That
/// moves 2 (N - 1) / N of a gradient to and from each of N ranks, as a ring does.
///
/// What is exchanged of an N:M layer is its dense gradient, for that is what WU makes: with weights packed
/// N:M the gradient reaches those that are not kept, too (straight-through).
class GradientExchange {
 public:
  /// How gradients travel: as they are, or in bf16. A sum is made in f64 in both, and rounded to that.
  enum class Wire : std::uint8_t { f32, bf16 };

  struct Options {
    Wire wire = Wire::f32;
    std::int64_t bucket_bytes = std::int64_t{4} << 20;  ///< of f32
  };

  /// `parameters` are f32 and require gradients. `means` (running statistics), f32, become the mean of all
  /// ranks', each weighted with its entry of `images`. Throws Error for other types.
  GradientExchange(Communicator& ranks, std::vector<Tensor> parameters, std::vector<Tensor> means,
                   std::vector<std::int64_t> images, Options options);
  ~GradientExchange();

  /// Before the backward() whose gradients are to be exchanged, after the forward pass: means travel from
  /// here on.
  void begin();
  /// For backward().
  void on_gradient(const AutogradMeta& leaf);
  /// Waits, and puts the sums in place of the gradients. A parameter without a gradient stays without.
  void finish();

  /// Seconds that finish() has waited in all.
  double waited() const { return waited_; }
  std::size_t buckets() const { return buckets_.size(); }
  /// Of the bucket that sets out as number `index`, as it travels.
  std::int64_t bucket_bytes(std::size_t index) const;
  /// Buckets that have set out since begin().
  std::size_t started() const { return started_; }

 private:
  struct Bucket;

  void add_bucket(std::vector<std::size_t> members, bool means);
  void start_ready();
  void start(Bucket& bucket);
  void move_on();
  void add_up(Bucket& bucket);
  void take(Bucket& bucket);

  Communicator& ranks_;
  std::vector<Tensor> parameters_;
  std::vector<Tensor> means_;
  std::vector<double> images_;
  Options options_;
  std::vector<std::unique_ptr<Bucket>> buckets_;
  std::unordered_map<const AutogradMeta*, std::size_t> bucket_of_;
  std::size_t started_ = 0;
  double waited_ = 0;
};

/// What --exchange names: `fp32` or `bf16`.
inline GradientExchange::Wire wire_of(std::string_view exchange) {
  return exchange == "bf16" ? GradientExchange::Wire::bf16 : GradientExchange::Wire::f32;
}

}  // namespace satsuma::distributed
