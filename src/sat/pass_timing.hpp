#pragma once

#include "satsuma/sat/timing.hpp"
#include "src/sat/product.hpp"

namespace satsuma::sat {

/// Which packed weights a step makes in advance.
struct Pregeneration {
  bool ff = true;
  bool bp = true;
};

/// True when SORE prunes or samples an operand of the pass on its way to the array.
bool prunes_on_the_fly(const Layer& layer, Pass pass, Pregeneration made);

/// time_pass() without the check, for a schedule that is known to fit. `products` are those of the pass.
PassTiming timing_of(const Config& config, const Layer& layer, const PassProducts& products, Pass pass,
                     const PassSchedule& schedule, Pregeneration made);

}  // namespace satsuma::sat
