#include "src/cpu/row_groups.hpp"

#include <algorithm>

namespace satsuma::cpu {

namespace {

/// The `t`-th output row of a class alone.
RowGroup single_row(const Axis& rows, const AxisClass& outputs, std::int64_t t) {
  RowGroup group;
  group.output[0] = outputs.first + t * outputs.stride;
  for (const AxisTap& tap : outputs.taps) {
    const std::int64_t row = tap.shift + t * outputs.step;
    if (row >= 0 && row < rows.inputs) group.taps.push_back({tap.tap, {row}});
  }
  return group;
}

bool same_taps(const RowGroup& a, const RowGroup& b) {
  return std::equal(a.taps.begin(), a.taps.end(), b.taps.begin(), b.taps.end(),
                    [](const RowTap& x, const RowTap& y) { return x.tap == y.tap; });
}

}  // namespace

std::vector<RowGroup> row_groups(const Axis& rows, int lines) {
  std::vector<RowGroup> groups;
  for (const AxisClass& outputs : rows.classes) {
    for (std::int64_t t = 0; t < outputs.count; ++t) {
      RowGroup group = single_row(rows, outputs, t);
      while (group.lines < lines && t + 1 < outputs.count) {
        const RowGroup next = single_row(rows, outputs, t + 1);
        if (!same_taps(group, next)) break;
        const auto line = static_cast<std::size_t>(group.lines++);
        group.output[line] = next.output[0];
        for (std::size_t i = 0; i < group.taps.size(); ++i) group.taps[i].row[line] = next.taps[i].row[0];
        ++t;
      }
      groups.push_back(std::move(group));
    }
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const RowGroup& a, const RowGroup& b) { return a.output[0] < b.output[0]; });
  return groups;
}

std::int64_t RowGroup::span() const {
  if (taps.empty()) return 0;
  std::int64_t lowest = taps[0].row[0];
  std::int64_t highest = lowest;
  for (const RowTap& tap : taps) {
    const auto [first, last] = std::minmax_element(tap.row.begin(), tap.row.begin() + lines);
    lowest = std::min(lowest, *first);
    highest = std::max(highest, *last);
  }
  return highest - lowest + 1;
}

}  // namespace satsuma::cpu
