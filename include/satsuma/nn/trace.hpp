#pragma once

#include "satsuma/autograd/trace.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::nn {

/// The ops that `module` makes of an input of this shape, in evaluation mode (batch normalisation with
/// running statistics, no dropout). Nothing is computed: a module that was made under NoStorage will do, and
/// an image of any size costs nothing. Values are named as in Module::state(), the input is `input`;
/// Trace::output() is the result. Throws ShapeError when the input does not fit, as running the module would.
Trace trace(Module& module, const Shape& input);

}  // namespace satsuma::nn
