#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <type_traits>
#include <utility>

#include "satsuma/autograd/node.hpp"
#include "satsuma/ops/cross_entropy.hpp"
#include "satsuma/train/evaluation.hpp"
#include "satsuma/train/metrics.hpp"
#include "src/data/none_readable.hpp"

namespace satsuma::train {

namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : std::nan("");
}

/// Adds images to an Evaluation.
class Count {
 public:
  void add(const Tensor& logits, const data::Batch& batch) {
    const auto rows = logits.to_vector<double>();
    const auto wanted = batch.labels.to_vector<std::int64_t>();
    result_.classes = logits.dim(1);
    result_.confusion.resize(static_cast<std::size_t>(result_.classes * result_.classes));
    for (std::size_t n = 0; n < wanted.size(); ++n)
      add(rows.data() + static_cast<std::int64_t>(n) * result_.classes, wanted[n], batch.indices[n]);
  }

  /// What all ranks have counted. Numbers of images are exact in f64.
  void merge(distributed::Communicator& ranks) {
    if (ranks.size() == 1) return;
    // A rank may have had no batch.
    for (const std::int64_t classes : ranks.gather(result_.classes))
      result_.classes = std::max(result_.classes, classes);
    result_.confusion.resize(static_cast<std::size_t>(result_.classes * result_.classes));
    std::vector<double> sums;
    visit([&](auto& number) { sums.push_back(static_cast<double>(number)); });
    sums = ranks.sum(sums);
    auto next = sums.begin();
    visit([&](auto& number) { number = static_cast<std::remove_reference_t<decltype(number)>>(*next++); });
    std::array<Mistake, Evaluation::kMistakes> own{};
    const std::size_t count = result_.mistakes.size();
    std::copy(result_.mistakes.begin(), result_.mistakes.end(), own.begin());
    const auto counts = ranks.gather<std::uint64_t>(count);
    const auto lists = ranks.gather(own);
    result_.mistakes.clear();
    for (std::size_t r = 0; r < lists.size(); ++r) {
      for (std::size_t i = 0; i < counts[r]; ++i) keep(lists[r][i]);
    }
  }

  Evaluation result() {
    result_.top1 = share(correct_, result_.count);
    result_.top5 = share(among_five_, result_.count);
    for (const Evaluation::Bin& bin : result_.calibration)
      result_.calibration_error += std::abs(static_cast<double>(bin.correct) - bin.confidence);
    result_.calibration_error /= static_cast<double>(std::max<std::int64_t>(result_.count, 1));
    std::sort(result_.mistakes.begin(), result_.mistakes.end(), worse);
    return std::move(result_);
  }

 private:
  /// In which order mistakes are listed: a total one, so that the list does not depend on how it was made.
  static bool worse(const Mistake& a, const Mistake& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.index < b.index;
  }

  /// All that is added up.
  template <typename F>
  void visit(F&& f) {
    f(result_.count);
    f(correct_);
    f(among_five_);
    for (Evaluation::Bin& bin : result_.calibration) {
      f(bin.count);
      f(bin.correct);
      f(bin.confidence);
    }
    for (std::int64_t& images : result_.confusion) f(images);
  }

  void add(const double* row, std::int64_t label, std::int64_t index) {
    const std::int64_t predicted = std::max_element(row, row + result_.classes) - row;
    double sum = 0;
    std::int64_t before = 0;  // classes that come before the label
    for (std::int64_t c = 0; c < result_.classes; ++c) {
      sum += std::exp(row[c] - row[predicted]);
      before += row[c] > row[label] || (row[c] == row[label] && c < label) ? 1 : 0;
    }
    const double confidence = 1 / sum;
    const bool correct = predicted == label;
    correct_ += correct ? 1 : 0;
    among_five_ += before < 5 ? 1 : 0;
    ++result_.confusion[static_cast<std::size_t>(label * result_.classes + predicted)];
    // A bin has its upper end; logits that are not finite are in none.
    if (confidence > 0) {
      const double place = std::ceil(confidence * static_cast<double>(Evaluation::kBins)) - 1;
      Evaluation::Bin& bin =
          result_.calibration[std::min(static_cast<std::size_t>(place), Evaluation::kBins - 1)];
      ++bin.count;
      bin.correct += correct ? 1 : 0;
      bin.confidence += confidence;
    }
    if (!correct) keep({index, label, predicted, confidence});
    ++result_.count;
  }

  void keep(const Mistake& mistake) {
    std::vector<Mistake>& kept = result_.mistakes;
    kept.push_back(mistake);
    std::push_heap(kept.begin(), kept.end(), worse);
    if (kept.size() <= Evaluation::kMistakes) return;
    std::pop_heap(kept.begin(), kept.end(), worse);
    kept.pop_back();
  }

  Evaluation result_;
  std::int64_t correct_ = 0;
  std::int64_t among_five_ = 0;
};

}  // namespace

std::int64_t Evaluation::images_of(std::int64_t label) const {
  std::int64_t images = 0;
  for (std::int64_t c = 0; c < classes; ++c)
    images += confusion[static_cast<std::size_t>(label * classes + c)];
  return images;
}

std::int64_t Evaluation::correct_of(std::int64_t label) const {
  return confusion[static_cast<std::size_t>(label * classes + label)];
}

std::vector<std::string> Evaluation::left_out_of(const data::Dataset& images) const {
  std::vector<std::string> names;
  for (const std::int64_t index : left_out) names.push_back(images.name(index));
  return names;
}

std::optional<Evaluation> evaluate(nn::Module& model, data::Loader& loader, const StopRequest& stop,
                                   const EvaluationProgress& progress, distributed::Communicator& ranks) {
  const auto begin = std::chrono::steady_clock::now();
  const NoGrad no_grad;
  const bool was_training = model.training();
  model.train(false);

  Count count;
  Tally tally;
  bool stopped = false;
  loader.start(0);
  const auto asked = [&] {
    const int own = stop && stop() != 0 ? 1 : 0;
    if (ranks.size() == 1) return own != 0;
    const std::vector<int> all = ranks.gather(own);
    return std::find(all.begin(), all.end(), 1) != all.end();
  };
  // All ranks ask as often, though some have a batch less.
  std::int64_t rounds = (loader.batches_per_epoch() + ranks.size() - 1) / ranks.size();
  for (data::Batch batch; !stopped && rounds > 0; --rounds, stopped = asked()) {
    if (!loader.next(batch)) continue;
    const Tensor logits = model(batch.images);
    const std::int64_t images = batch.labels.numel();
    // First, for it refuses labels that are no classes.
    tally.loss_sum += ops::cross_entropy(logits, batch.labels).item() * static_cast<double>(images);
    tally.images += images;
    count.add(logits, batch);
    if (progress) progress(std::min(tally.images * ranks.size(), loader.images()));
  }
  model.train(was_training);
  if (stopped) return std::nullopt;

  count.merge(ranks);
  const std::vector<double> sums = ranks.sum({tally.loss_sum, static_cast<double>(tally.images)});
  tally.loss_sum = sums[0];
  tally.images = static_cast<std::int64_t>(sums[1]);
  Evaluation result = count.result();
  result.loss = tally.loss();
  result.left_out = ranks.gather_lists(loader.bad_images());
  // A rank's loader knows its share alone.
  if (result.count == 0 && !result.left_out.empty()) data::refuse_none_readable();
  std::sort(result.left_out.begin(), result.left_out.end());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace satsuma::train
