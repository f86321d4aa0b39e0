#include "src/sparse/methods/methods.hpp"

namespace satsuma {

// Transposable masks, arXiv 2102.08124: what is kept of a weight is N:M along input and along output
// channels, so that FF and BP multiply with the same weights: the gradient that BP computes is that of the
// network that FF has run, where BDWP's two masks differ. The gradient of a pruned weight passes unchanged
// (straight-through), as in BDWP.
const Method kTransposable = {
    .name = "transposable",
    .summary = "the same N:M weights in forward and backward, N:M along input and output channels",
    .ff_weight = OperandKind::packed,
    .bp_weight = OperandKind::packed,
    .transposable = true,
};

}  // namespace satsuma
