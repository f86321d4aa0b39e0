#include "src/sparse/methods/methods.hpp"

namespace satsuma {

// Gradient pruning, arXiv 2309.13015, table 1: of each group of M output channels of dY, image by image and
// pixel by pixel, BP multiplies only the N of largest magnitude. They differ from step to step, so dY is
// compressed on the way into the pass. WU and the bias gradient use the whole dY.
const Method kSdgp = {
    .name = "sdgp",
    .summary = "N:M gradients of the output in backward (along output channels), pruned on the fly",
    .bp_gradient = OperandKind::pruned,
};

}  // namespace satsuma
