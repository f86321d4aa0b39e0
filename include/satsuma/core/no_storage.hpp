#pragma once

namespace satsuma {

/// While one lives, tensors made on this thread have shape, layout and dtype but no elements: models of any
/// size cost nothing, and ops on such tensors check shapes and compute nothing. Writing to such a tensor
/// does nothing, reading from it throws Error (see Tensor::has_storage()).
class NoStorage {
 public:
  NoStorage();
  ~NoStorage();
  NoStorage(const NoStorage&) = delete;
  NoStorage& operator=(const NoStorage&) = delete;

 private:
  bool before_;
};

/// True while new tensors get elements on this thread.
bool storage_enabled();

}  // namespace satsuma
