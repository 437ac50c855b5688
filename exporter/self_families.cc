// SPDX-License-Identifier: Apache-2.0
#include "exporter/self_families.h"

#include <cstdint>
#include <string>
#include <utility>

#include "exporter/metric_defs.h"

namespace cloudmon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

MetricFamily FamilyOf(const exposition::MetricDef& def) {
  const bool counter = def.type == exposition::MetricType::kCounter;
  return {std::string(def.name),
          std::string(def.help),
          counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
          {}};
}

void Add(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

}  // namespace

std::vector<MetricFamily> IdentityFamilies(std::span<const identity::SourceStats> stats) {
  MetricFamily up = FamilyOf(kIdentitySourceUp.def);
  MetricFamily refreshes = FamilyOf(kIdentityRefreshes.def);
  MetricFamily errors = FamilyOf(kIdentitySourceErrors.def);
  for (const identity::SourceStats& source : stats) {
    Add(up, {{"source", source.source}}, source.up ? 1 : 0);
    Add(refreshes, {{"source", source.source}}, static_cast<double>(source.refreshes));
    for (const auto& [reason, count] : source.errors) {
      Add(errors, {{"reason", reason}, {"source", source.source}}, static_cast<double>(count));
    }
  }
  return {std::move(up), std::move(refreshes), std::move(errors)};
}

std::vector<MetricFamily> PushFamilies(const push::Stats& stats) {
  MetricFamily documents = FamilyOf(kPushDocuments.def);
  Add(documents, {{"result", "sent"}}, static_cast<double>(stats.sent));
  Add(documents, {{"result", "refused"}}, static_cast<double>(stats.refused));
  Add(documents, {{"result", "dropped"}}, static_cast<double>(stats.dropped));
  MetricFamily failures = FamilyOf(kPushFailures.def);
  Add(failures, {}, static_cast<double>(stats.failures));
  MetricFamily queue = FamilyOf(kPushQueue.def);
  Add(queue, {}, static_cast<double>(stats.queued));
  MetricFamily last_success = FamilyOf(kPushLastSuccess.def);
  const std::int64_t last_success_ms = stats.last_success_ms;
  if (last_success_ms > 0) Add(last_success, {}, static_cast<double>(last_success_ms) / 1e3);
  return {std::move(documents), std::move(failures), std::move(queue), std::move(last_success)};
}

}  // namespace cloudmon
