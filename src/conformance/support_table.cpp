#include "satsuma/conformance/support_table.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "src/conformance/cases.hpp"

namespace satsuma::conformance {

namespace {

struct Column {
  const char* name;
  Pass pass;
  OperandKind kind;
};

constexpr Column kColumns[] = {
    {"FF dense", Pass::ff, OperandKind::dense},    {"FF N:M", Pass::ff, OperandKind::packed},
    {"BP dense", Pass::bp, OperandKind::dense},    {"BP N:M", Pass::bp, OperandKind::packed},
    {"BP dY N:M", Pass::bp, OperandKind::pruned},  {"WU dense", Pass::wu, OperandKind::dense},
    {"WU dY N:M", Pass::wu, OperandKind::sampled},
};

struct Kind {
  const char* name;
  Geometry geometry;
};

std::vector<Kind> kinds() {
  const Geometry plain = {.in_channels = 64, .out_channels = 64, .kernel = {3, 3}, .padding = {1, 1}};
  Geometry stride = plain, dilation = plain, ragged = plain, groups = plain;
  stride.stride = {2, 2};
  dilation.dilation = {2, 2};
  ragged.in_channels = 67;
  ragged.out_channels = 67;
  groups.groups = 64;
  return {{"3x3", plain},           {"1x1", {.in_channels = 64, .out_channels = 64}},
          {"3x3 stride 2", stride}, {"3x3 dilation 2", dilation},
          {"3x3 ragged", ragged},   {"3x3 depth-wise", groups}};
}

std::string types_text(const Types& types) {
  return types.operands == DType::f32 ? std::string(to_string(types.tensors))
                                      : fmt::format("{} operands", to_string(types.operands));
}

int index_of(std::vector<std::string>& reasons, const std::string& reason) {
  const auto found = std::find(reasons.begin(), reasons.end(), reason);
  if (found != reasons.end()) return static_cast<int>(found - reasons.begin());
  reasons.push_back(reason);
  return static_cast<int>(reasons.size()) - 1;
}

}  // namespace

SupportTable support_table(const Device& device) {
  SupportTable table;
  for (const Column& column : kColumns) table.columns.emplace_back(column.name);
  for (const Types& types : all_types()) {
    for (const Kind& kind : kinds()) {
      SupportTable::Row row{types_text(types), kind.name, {}};
      for (const Column& column : kColumns) {
        SupportTable::Cell cell;
        const bool sparse = column.kind != OperandKind::dense;
        const std::vector<Pattern> asked =
            sparse ? std::vector<Pattern>(patterns().begin(), patterns().end()) : std::vector<Pattern>(1);
        for (const Pattern pattern : asked) {
          if (column.kind == OperandKind::pruned && pattern.shared > 1) continue;
          const Case layer{kind.name, kind.geometry, {}, pattern, column.kind};
          const Support answer = device.supports(layer.plan(types), column.pass);
          ++cell.asked;
          cell.accepted += answer.yes ? 1 : 0;
          if (answer) continue;
          const int reason = index_of(table.reasons, answer.reason);
          if (std::find(cell.reasons.begin(), cell.reasons.end(), reason) == cell.reasons.end())
            cell.reasons.push_back(reason);
        }
        row.cells.push_back(std::move(cell));
      }
      table.rows.push_back(std::move(row));
    }
  }
  return table;
}

}  // namespace satsuma::conformance
