#include "src/sparse/methods/methods.hpp"

namespace satsuma {

// Bidirectional weight pruning, arXiv 2309.13015, section III: both FF and BP multiply with N:M weights, each
// grouped along the axis that its pass reduces over, so half of the three passes' operations shrink to N/M at
// 2:8. The gradient of a pruned weight passes to the dense master weight unchanged (straight-through).
const Method kBdwp = {
    .name = "bdwp",
    .summary = "N:M weights in forward (along input channels) and backward (along output channels)",
    .ff_weight = OperandKind::packed,
    .bp_weight = OperandKind::packed,
};

}  // namespace satsuma
