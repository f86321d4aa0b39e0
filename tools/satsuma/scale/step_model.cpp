#include "tools/satsuma/scale/step_model.hpp"

#include <algorithm>

#include "satsuma/core/memory_format.hpp"
#include "satsuma/data/share.hpp"

namespace satsuma::tools::scale {

namespace {

double blocks_of(std::int64_t images) {
  return static_cast<double>((images + kLanes - 1) / kLanes);
}

/// Seconds of one process for `images` images, without the exchange.
double alone(const MeasuredStep& measured, std::int64_t images) {
  const double scale = blocks_of(images) / blocks_of(measured.images);
  return (measured.forward + measured.backward) * scale + measured.update;
}

}  // namespace

Network ethernet(double bits_per_second, double latency) {
  return {bits_per_second / 8 * 1448 / 1538, latency};
}

ModelledStep model_step(const MeasuredStep& measured, const Network& network, std::int64_t ranks,
                        std::int64_t images) {
  const double scale = blocks_of(images) / blocks_of(measured.images);
  ModelledStep step;
  step.ranks = ranks;
  step.images = static_cast<double>(images);
  if (ranks == 1) {
    step.seconds = alone(measured, images);
    return step;
  }
  const double others = static_cast<double>(ranks - 1);
  const double share = others / static_cast<double>(ranks);
  // Gradients are copied and added up between layers, by who computes.
  const double backward = measured.backward * scale + measured.copying;
  const double stretch = measured.backward > 0 ? backward / measured.backward : 1;
  double link_free = 0;
  for (const MeasuredStep::Bucket& bucket : measured.buckets) {
    const double phase =
        network.latency + share * bucket.bytes / network.bytes_per_second + others * kMessageSeconds;
    link_free = std::max(link_free, bucket.ready * stretch) + 2 * phase;
    step.transfers += 2 * phase;
  }
  step.exposed = std::max(0.0, link_free - backward);
  step.seconds = measured.forward * scale + backward + step.exposed + measured.update;
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
