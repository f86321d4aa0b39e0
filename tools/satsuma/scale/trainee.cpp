#include "tools/satsuma/scale/trainee.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include "satsuma/autograd/backward.hpp"
#include "satsuma/data/share.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/saved_precision.hpp"
#include "src/distributed/gradient_exchange.hpp"
#include "tools/satsuma/trainee.hpp"

namespace satsuma::tools::scale {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

Trainee::Trainee(const BenchSettings& bench, const std::string& method, const std::string& exchange,
                 distributed::Communicator& ranks)
    : model_(model_in_training(bench, method)), optimizer_(bench_optimizer(*model_)) {
  recipe_.batch_size = bench.batch_size;
  recipe_.exchange = exchange;
  recipe_.label_smoothing = 0;
  step_ = std::make_unique<train::Step>(recipe_, *model_, *optimizer_, Tensor(), ranks);
  const models::Options options = bench.model.options();
  const data::ImageRange share = data::share_of(bench.batch_size, ranks.rank(), ranks.size());
  const FixedBatch noise = random_batch(options.input, options.classes, share.count);
  batch_.images = noise.images;
  batch_.labels = noise.labels;
}

double Trainee::step() {
  const Clock::time_point begin = Clock::now();
  std::optional<train::LossScale> scale;
  step_->begin(steps_, 1);
  const train::Tally tally = step_->forward(batch_, steps_++);
  step_->backward(scale);
  step_->exchange(tally);
  step_->update(kBenchRate, scale);
  return seconds_since(begin);
}

MeasuredStep Trainee::parts() {
  std::vector<Tensor> parameters;
  for (const nn::Parameter& parameter : model_->parameters()) parameters.push_back(parameter.value);
  using Exchange = distributed::GradientExchange;
  Exchange exchange(distributed::alone(), std::move(parameters), {}, {recipe_.batch_size},
                    {.wire = distributed::wire_of(recipe_.exchange)});
  MeasuredStep measured;
  measured.images = recipe_.batch_size;
  const Clock::time_point begin = Clock::now();
  optimizer_->zero_grad();
  const SavedPrecision kept(train::saved_precision_of(*model_));
  const Tensor loss = ops::cross_entropy((*model_)(batch_.images), batch_.labels);
  measured.forward = seconds_since(begin);

  const Clock::time_point backward_begin = Clock::now();
  const auto copying = [&](auto&& work) {
    const Clock::time_point at = Clock::now();
    work();
    measured.copying += seconds_since(at);
  };
  exchange.begin();
  backward(loss, {}, [&](const AutogradMeta& leaf) {
    const double ready = seconds_since(backward_begin) - measured.copying;
    copying([&] { exchange.on_gradient(leaf); });
    while (measured.buckets.size() < exchange.started()) {
      measured.buckets.push_back(
          {ready, static_cast<double>(exchange.bucket_bytes(measured.buckets.size()))});
    }
  });
  measured.backward = seconds_since(backward_begin) - measured.copying;
  copying([&] { exchange.finish(); });
  while (measured.buckets.size() < exchange.buckets()) {
    measured.buckets.push_back(
        {measured.backward, static_cast<double>(exchange.bucket_bytes(measured.buckets.size()))});
  }
  const Clock::time_point update = Clock::now();
  optimizer_->step(kBenchRate);
  measured.update = seconds_since(update);
  return measured;
}

}  // namespace satsuma::tools::scale
