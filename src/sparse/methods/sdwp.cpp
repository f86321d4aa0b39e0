#include "src/sparse/methods/methods.hpp"

namespace satsuma {

// One-directional weight pruning in the backward pass, arXiv 2309.13015, table 1: FF multiplies with dense
// weights, so that what the network computes is that of dense training, and dX is taken through N:M weights.
const Method kSdwp = {
    .name = "sdwp",
    .summary = "N:M weights in backward (along output channels)",
    .bp_weight = OperandKind::packed,
};

}  // namespace satsuma
