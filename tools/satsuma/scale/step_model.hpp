#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace satsuma::tools::scale {

/// A training step of one process, as it was measured.
struct MeasuredStep {
  std::int64_t images = 0;
  double forward = 0;   ///< seconds
  double backward = 0;  ///< from its begin to its end
  double update = 0;
  double copying = 0;  ///< of gradients into buckets, adding up and back, for one process
  /// A bucket in the order in which they set out: when its gradients are all there, from the begin of
  /// backward, and its bytes.
  struct Bucket {
    double ready = 0;
    double bytes = 0;
  };
  std::vector<Bucket> buckets;
  /// How steps differ: what each of several took in relation to their median.
  std::vector<double> spread = {1.0};
};

/// Of each rank's own link, in each direction.
struct Network {
  double bytes_per_second = 0;  ///< of data
  double latency = 0;           ///< seconds
  double carrying = 0;          ///< seconds of a rank for a byte that it sends and one that it receives
};

/// A link of `bits_per_second` that carries TCP in Ethernet's frames of 1500 bytes: 1448 of the 1538 bytes
/// that each takes of the link are data, the others headers (IEEE 802.3, RFC 9293 with timestamps) and the
/// gap to the next frame.
Network ethernet(double bits_per_second, double latency, double carrying);

/// A step of `ranks` processes.
struct ModelledStep {
  std::int64_t ranks = 1;
  double images = 0;      ///< of a rank, of the one that has most
  double seconds = 0;     ///< of the step
  double exposed = 0;     ///< in which nothing is computed, for gradients are under way
  double transfers = 0;   ///< in which the link is busy
  double efficiency = 0;  ///< against one process with as many images a rank (weak) or in all (strong)
};

/// What a message costs its sender and receiver, beside latency and bytes.
inline constexpr double kMessageSeconds = 1e-6;

/// The step of `ranks` that have `images` images each, or the most of them: compute takes as long as it was
/// measured for as many blocks of sixteen, and as the slowest takes, for whom all wait; each bucket sets out
/// when its gradients are there and those before it are through, and takes two phases (all-to-all of slices,
/// all-gather of sums), each of latency + (N - 1) / N bytes / bandwidth + (N - 1) kMessageSeconds. Carrying
/// what travels before the backward pass ends makes that longer. Efficiency is left 0.
ModelledStep model_step(const MeasuredStep& measured, const Network& network, std::int64_t ranks,
                        std::int64_t images);

/// Each rank has as many images as were measured.
std::vector<ModelledStep> weak_scaling(const MeasuredStep& measured, const Network& network,
                                       const std::vector<std::int64_t>& ranks);
/// Ranks share a batch of `whole` images. Ends before there are more ranks than images.
std::vector<ModelledStep> strong_scaling(const MeasuredStep& measured, const Network& network,
                                         const std::vector<std::int64_t>& ranks, std::int64_t whole);

/// A network is the limit where more than this share of a step waits for it.
inline constexpr double kLimit = 0.05;
/// The first number of ranks where it is; 0 for none of them.
std::int64_t network_limit(const std::vector<ModelledStep>& steps);

}  // namespace satsuma::tools::scale
