#pragma once

// What protoc writes is not held to our warnings.
#pragma GCC system_header
#include "src/protobuf/onnx.pb.h"
