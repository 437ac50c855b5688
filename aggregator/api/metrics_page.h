// SPDX-License-Identifier: Apache-2.0
// The aggregator's own /metrics: what it does, what it keeps, its targets, and the rollups of the newest bucket.
#pragma once

#include <prometheus/metric_family.h>

#include <optional>
#include <string>
#include <vector>

#include "aggregator/remote_write/ship_stats.h"
#include "aggregator/scrape/status.h"
#include "aggregator/store/store.h"
#include "common/exposition/format.h"
#include "common/exposition/writer.h"
#include "common/process_stats.h"

namespace cloudmon::api {

// Counted by prometheus-cpp, with the labels route and code.
inline constexpr exposition::MetricDef kHttpRequests{
    "cloudmon_http_requests_total", "Requests answered, by route and HTTP status.", exposition::MetricType::kCounter};

// The numbers of one page. Pure data.
struct MetricsInput {
  scrape::LoopStats loop;
  store::StoreStats store;
  std::vector<scrape::TargetStatus> targets;
  std::vector<store::SeriesSlice> rollups;  // of namespaces, deployments, nodes, the cluster: last points count
  std::optional<remote_write::ShipStats> remote_write{};  // nullopt: it is off
  std::vector<prometheus::MetricFamily> requests;         // kHttpRequests
  ProcessStats process;
};

// The page. Values that are not known are left out. Pure.
[[nodiscard]] std::string WriteMetricsPage(const MetricsInput& input, exposition::Format format);

// The rows of docs/metrics.md (common/exposition/metric_row): of the program itself, and of the rollups.
[[nodiscard]] std::string MetricsMarkdown();
[[nodiscard]] std::string RollupsMarkdown();

}  // namespace cloudmon::api
