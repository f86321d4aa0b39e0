#pragma once

#include "satsuma/sparse/packed.hpp"

namespace satsuma {

/// The values of each row (output channel) rounded to whole multiples of its own scale, symmetric, with
/// L = 2^(bits - 1) - 1 levels on either side of zero:
///   scale = max |w| / L,  w <- scale * round(w / scale),  ties to even,
/// so that a device could keep `bits` bits a value and one scale a row. A row of zeros, or with a value that
/// is not finite, stays as it is. 2 <= bits <= 16. The result has no device's form.
PackedWeight quantised(const PackedWeight& weight, int bits);
/// The same of a dense weight [K, C, R, S], in channels-last format.
Tensor quantised(const Tensor& weight, int bits);

}  // namespace satsuma
