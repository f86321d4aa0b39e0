#include "src/sparse/methods/methods.hpp"

namespace satsuma {

const Method kDense = {
    .name = "dense",
    .summary = "no pruning: the baseline",
};

}  // namespace satsuma
