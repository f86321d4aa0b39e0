#include "tools/satsuma/scale/step_model.hpp"

#include <algorithm>
#include <cmath>

#include "satsuma/core/memory_format.hpp"
#include "satsuma/data/share.hpp"
#include "tools/satsuma/statistics.hpp"

namespace satsuma::tools::scale {

namespace {

double blocks_of(std::int64_t images) {
  return static_cast<double>((images + kLanes - 1) / kLanes);
}

/// The slowest of `ranks`, in relation to one rank's median: half of the steps end sooner where each of N
/// ranks does with a probability of 2^(-1 / N), which is the quantile of the spread that it is.
double slowest_of(std::int64_t ranks, const MeasuredStep& measured) {
  return quantile(measured.spread, std::exp2(-1.0 / static_cast<double>(ranks)));
}

/// The part of a bucket that a rank sends in each of two phases, and receives.
double share_of_others(std::int64_t ranks) {
  return static_cast<double>(ranks - 1) / static_cast<double>(ranks);
}

/// Seconds from the time when a bucket sets out to that when its sums are there.
double transfer(const MeasuredStep::Bucket& bucket, const Network& network, std::int64_t ranks) {
  return 2 * (network.latency + share_of_others(ranks) * bucket.bytes / network.bytes_per_second +
              static_cast<double>(ranks - 1) * kMessageSeconds);
}

/// Seconds in which buckets are under way after a backward pass of `backward`.
double exposed(const MeasuredStep& measured, const Network& network, std::int64_t ranks, double backward) {
  const double stretch = backward / measured.backward;
  double link_free = 0;
  for (const MeasuredStep::Bucket& bucket : measured.buckets)
    link_free = std::max(link_free, bucket.ready * stretch) + transfer(bucket, network, ranks);
  return std::max(0.0, link_free - backward);
}

/// Seconds of one process for `images` images, without the exchange.
double alone(const MeasuredStep& measured, std::int64_t images) {
  const double scale = blocks_of(images) / blocks_of(measured.images);
  return (measured.forward + measured.backward) * scale + measured.update;
}

}  // namespace

Network ethernet(double bits_per_second, double latency, double carrying) {
  return {bits_per_second / 8 * 1448 / 1538, latency, carrying};
}

ModelledStep model_step(const MeasuredStep& measured, const Network& network, std::int64_t ranks,
                        std::int64_t images) {
  const double slowest = slowest_of(ranks, measured);
  const double scale = slowest * blocks_of(images) / blocks_of(measured.images);
  ModelledStep step;
  step.ranks = ranks;
  step.images = static_cast<double>(images);
  if (ranks == 1) {
    step.seconds = alone(measured, images);
    return step;
  }
  // Gradients are copied and added up between layers, by who computes.
  double backward = measured.backward * scale + measured.copying * slowest;
  double bytes = 0;
  for (const MeasuredStep::Bucket& bucket : measured.buckets) {
    step.transfers += transfer(bucket, network, ranks);
    bytes += bucket.bytes;
  }
  const double hidden = 1 - exposed(measured, network, ranks, backward) / step.transfers;
  backward += network.carrying * 2 * share_of_others(ranks) * bytes * hidden;
  step.exposed = exposed(measured, network, ranks, backward);
  step.seconds = measured.forward * scale + backward + step.exposed + measured.update * slowest;
  return step;
}

std::vector<ModelledStep> weak_scaling(const MeasuredStep& measured, const Network& network,
                                       const std::vector<std::int64_t>& ranks) {
  std::vector<ModelledStep> steps;
  for (const std::int64_t count : ranks) {
    steps.push_back(model_step(measured, network, count, measured.images));
    steps.back().efficiency = alone(measured, measured.images) / steps.back().seconds;
  }
  return steps;
}

std::vector<ModelledStep> strong_scaling(const MeasuredStep& measured, const Network& network,
                                         const std::vector<std::int64_t>& ranks, std::int64_t whole) {
  std::vector<ModelledStep> steps;
  for (const std::int64_t count : ranks) {
    if (count > whole) continue;
    const std::vector<std::int64_t> shares = data::shares_of(whole, static_cast<int>(count));
    steps.push_back(model_step(measured, network, count, *std::max_element(shares.begin(), shares.end())));
    steps.back().efficiency = alone(measured, whole) / (static_cast<double>(count) * steps.back().seconds);
  }
  return steps;
}

std::int64_t network_limit(const std::vector<ModelledStep>& steps) {
  const auto limit = std::find_if(steps.begin(), steps.end(), [](const ModelledStep& step) {
    return step.exposed > kLimit * step.seconds;
  });
  return limit == steps.end() ? 0 : limit->ranks;
}

}  // namespace satsuma::tools::scale
