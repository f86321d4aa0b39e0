#pragma once

#include <string_view>

#include "satsuma/core/tensor.hpp"
#include "satsuma/data/dataset.hpp"

namespace satsuma::train {

/// The weights of classes in the loss, f64 [classes], for ops::cross_entropy(); undefined for an empty text.
/// `balanced` is N / (K * n_k) for a class with n_k of the N images of K classes (scikit-learn's), else K
/// numbers `1,2,0.5`. Throws UsageError.
Tensor class_weights_of(std::string_view text, const data::Dataset& images, std::int64_t classes);

/// Throws UsageError where `text` is neither empty, `balanced`, nor numbers of 0 or more.
void check_class_weights(std::string_view text);

}  // namespace satsuma::train
