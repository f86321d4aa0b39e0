// Writes for each model of the tests NAME.onnx and NAME.safetensors with a batch and the logits that Satsuma
// makes of it: what tools/crosscheck/onnx_models.py holds onnxruntime against.

#include <fmt/core.h>

#include <filesystem>

#include "export/models.hpp"
#include "satsuma/autograd/node.hpp"
#include "satsuma/export/onnx.hpp"
#include "satsuma/train/safetensors.hpp"
#include "support/random_tensor.hpp"

int main(int argc, char** argv) {
  using namespace satsuma;
  if (argc != 2) {
    fmt::print(stderr, "usage: {} DIRECTORY\n", argv[0]);
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  const NoGrad no_grad;
  for (const testing::ExportCase& which : testing::export_cases()) {
    const std::shared_ptr<nn::Module> model = testing::make_model(which);
    exports::write_onnx(directory / (which.name() + ".onnx"), *model,
                        {.name = which.model, .input = which.input});
    const Tensor images =
        testing::random_tensor({5, which.input[0], which.input[1], which.input[2]}, 5, DType::f32);
    const Tensor logits = (*model)(images.to(MemoryFormat::batch_blocked));
    const nn::NamedTensor tensors[] = {{"images", images}, {"logits", logits}};
    train::write_safetensors(directory / (which.name() + ".safetensors"), tensors);
  }
  return 0;
}
