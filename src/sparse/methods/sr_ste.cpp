#include "src/sparse/methods/methods.hpp"

namespace satsuma {

// Sparse-refined straight-through estimator, arXiv 2102.04010: FF multiplies with W_ff, and the gradient of a
// weight that W_ff leaves out gets lambda * W, which lets masks settle. As in the published code BP goes
// through the masked forward weight; that is not N:M along output channels, so its operations count as dense.
const Method kSrSte = {
    .name = "sr-ste",
    .summary = "N:M weights in forward, decay of pruned weights; backward through the masked weight",
    .ff_weight = OperandKind::packed,
    .bp_weight = OperandKind::masked,
    .chooses_bp_weight = true,
    .default_sr_ste = 2e-4,
};

}  // namespace satsuma
