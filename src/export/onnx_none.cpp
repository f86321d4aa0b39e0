#include "satsuma/core/error.hpp"
#include "satsuma/export/onnx.hpp"

namespace satsuma::exports {

void write_onnx(const std::filesystem::path& /*path*/, nn::Module& /*model*/, const ModelNotes& /*notes*/) {
  throw UsageError(
      "--format onnx: this build has no protobuf; install libprotobuf-dev and protobuf-compiler and build "
      "anew, or take --format safetensors");
}

}  // namespace satsuma::exports
