// SPDX-License-Identifier: Apache-2.0
#include "common/exposition/metric_row.h"

namespace cloudmon::exposition {
namespace {

std::string_view UnitOf(const MetricDef& def) {
  if (!def.unit.empty()) return def.unit;
  std::string_view name = def.name;
  if (name.ends_with("_total")) name.remove_suffix(6);
  for (const std::string_view unit : {"seconds", "bytes"}) {
    if (name.ends_with(unit)) return unit;
  }
  return {};
}

}  // namespace

std::string MetricRow(const MetricDef& def, std::string_view labels, std::initializer_list<std::string_view> sources) {
  std::string row("| `");
  row.append(def.name).append("` | ").append(def.type == MetricType::kCounter ? "counter" : "gauge");
  for (const std::string_view cell : {UnitOf(def), labels, def.help}) row.append(" | ").append(cell);
  for (const std::string_view source : sources) row.append(" | ").append(source);
  return row.append(" |\n");
}

}  // namespace cloudmon::exposition
