#pragma once

#include <map>
#include <string>
#include <vector>

#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// Gives a model its tensors, and its generators their positions, back at the end.
class Restored {
 public:
  explicit Restored(nn::Module& model) : model_(model) {
    for (const nn::NamedTensor& tensor : model_.state()) state_.emplace(tensor.name, tensor.value.clone());
    for (const auto& rng : model_.generators()) positions_.push_back(rng->position());
  }
  ~Restored() {
    model_.load_state(state_);
    std::size_t i = 0;
    for (const auto& rng : model_.generators()) rng->seek(positions_[i++]);
  }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  nn::Module& model_;
  std::map<std::string, Tensor> state_;
  std::vector<std::uint64_t> positions_;
};

}  // namespace satsuma::train
