// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/metric_names.h"

namespace cloudmon::series {

std::string MetricName(const MetricKind& kind, const MetricField& field) {
  return "cloudmon_" + std::string(KindName(kind.kind)) + "_" + std::string(field.suffix);
}

std::string MetricHelp(const MetricKind& kind, const MetricField& field) {
  if (field.field == Field::kPods) return std::string(field.what) + ".";
  return std::string(field.what) + " " + std::string(kind.whose) + ".";
}

}  // namespace cloudmon::series
