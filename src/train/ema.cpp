#include "satsuma/train/ema.hpp"

#include <fmt/core.h>

#include <set>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/core/parallel.hpp"

namespace satsuma::train {

namespace {

void move_towards(Tensor average, const Tensor& weight, double share) {
  const Tensor ordered = weight.detach().in_layout_of(average);
  dispatch_real("ema", average.dtype(), [&](auto element) {
    using T = decltype(element);
    const T* const w = std::as_const(ordered).data<T>();
    T* const a = average.data<T>();
    const auto step = static_cast<T>(share);
    parallel_for(average.extent(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) a[i] += step * (w[i] - a[i]);
    });
  });
}

Tensor copy_of(const Tensor& tensor) {
  Tensor copy = Tensor::empty_like(tensor);
  copy.copy_from(tensor);
  return copy;
}

}  // namespace

WeightAverage::WeightAverage(const nn::Module& model, double decay) : model_(model.state()), decay_(decay) {
  for (const nn::NamedTensor& tensor : model_) averages_.push_back({tensor.name, copy_of(tensor.value)});
}

void WeightAverage::update() {
  for (std::size_t i = 0; i < model_.size(); ++i) {
    if (is_floating(model_[i].value.dtype())) {
      move_towards(averages_[i].value, model_[i].value, 1 - decay_);
    } else {
      averages_[i].value.copy_from(model_[i].value);
    }
  }
}

void WeightAverage::load_state(const std::map<std::string, Tensor>& values) {
  std::set<std::string_view> known;
  for (const nn::NamedTensor& own : averages_) {
    known.insert(own.name);
    const auto found = values.find(own.name);
    if (found == values.end()) throw FormatError(fmt::format("the average 'ema.{}' is missing", own.name));
    if (!(found->second.shape() == own.value.shape())) {
      throw FormatError(fmt::format("the average 'ema.{}' got {}, expected {}", own.name,
                                    to_string(found->second.shape()), to_string(own.value.shape())));
    }
  }
  for (const auto& [name, value] : values) {
    if (!known.contains(name)) throw FormatError(fmt::format("the model has no tensor for 'ema.{}'", name));
  }
  for (const nn::NamedTensor& own : averages_) Tensor(own.value).copy_from(values.at(own.name));
}

WeightAverage::InModel::InModel(const std::optional<WeightAverage>& average) {
  if (!average) return;
  model_ = average->model_;
  for (std::size_t i = 0; i < model_.size(); ++i) {
    weights_.push_back(copy_of(model_[i].value));
    model_[i].value.copy_from(average->averages_[i].value);
  }
}

WeightAverage::InModel::~InModel() {
  for (std::size_t i = 0; i < model_.size(); ++i) model_[i].value.copy_from(weights_[i]);
}

}  // namespace satsuma::train
