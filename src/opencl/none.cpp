// Stands for OpenCL where this build has none.

#include "src/opencl/platforms.hpp"

namespace satsuma::opencl {

Platforms list_platforms() {
  return {
      {},
      "this satsuma was built without OpenCL; install ocl-icd-opencl-dev and opencl-headers, and build it "
      "again"};
}

}  // namespace satsuma::opencl
