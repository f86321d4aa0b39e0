#include "satsuma/sparse/operand.hpp"

namespace satsuma {

std::string_view to_string(OperandKind kind) {
  switch (kind) {
    case OperandKind::dense:
      return "dense";
    case OperandKind::packed:
      return "packed";
    case OperandKind::masked:
      return "masked";
    case OperandKind::pruned:
      return "pruned";
    case OperandKind::sampled:
      break;
  }
  return "sampled";
}

std::string_view to_string(GroupAxis axis) {
  switch (axis) {
    case GroupAxis::input_channels:
      return "input channels";
    case GroupAxis::output_channels:
      return "output channels";
    case GroupAxis::images:
      break;
  }
  return "images";
}

}  // namespace satsuma
