#include <chrono>

#include "satsuma/autograd/node.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/trainer.hpp"

namespace satsuma::train {

std::optional<Evaluation> evaluate(nn::Module& model, data::Loader& loader, const StopRequest& stop) {
  const auto begin = std::chrono::steady_clock::now();
  const NoGrad no_grad;
  const bool was_training = model.training();
  model.train(false);

  Tally tally;
  bool stopped = false;
  loader.start(0);
  for (data::Batch batch; !stopped && loader.next(batch); stopped = stop && stop() != 0) {
    const Tensor logits = model(batch.images);
    const std::int64_t count = batch.labels.numel();
    tally.loss_sum += ops::cross_entropy(logits, batch.labels).item() * static_cast<double>(count);
    tally.correct += ops::count_correct(logits, batch.labels);
    tally.images += count;
  }
  model.train(was_training);
  if (stopped) return std::nullopt;

  Evaluation result;
  result.loss = tally.loss();
  result.top1 = tally.accuracy();
  result.count = tally.images;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace satsuma::train
