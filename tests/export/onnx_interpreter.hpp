#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "src/protobuf/onnx.hpp"

namespace satsuma::testing {

/// An array of an ONNX graph; whole numbers are doubles, too.
struct OnnxValue {
  std::vector<std::int64_t> shape;
  std::vector<double> data;
};

onnx::Model read_onnx(const std::filesystem::path& path);

/// What `model` makes of `input`, by plain loops in double precision, written from ONNX's specification of
/// opset 17. Knows the operators that Satsuma writes; throws Error on any other.
OnnxValue run_onnx(const onnx::Model& model, const OnnxValue& input);

}  // namespace satsuma::testing
