// SPDX-License-Identifier: Apache-2.0
// Every metric of the page is declared here once; the page and docs/metrics.md are made from these tables.
#pragma once

#include <optional>
#include <span>

#include "common/exposition/writer.h"
#include "exporter/cgroup/usage.h"

namespace cloudmon {

// Where a value comes from, for the documentation: a cgroup's file, and what in it.
struct CgroupSource {
  std::string_view v2, v1;
};

// A value of a cgroup's usage: a whole number or seconds; nullopt gives no sample.
struct UsageMetric {
  exposition::MetricDef def;
  CgroupSource source;
  cgroup::Value (*whole)(const cgroup::Usage&);
  std::optional<double> (*real)(const cgroup::Usage&);
  std::string_view extra_labels = {};  // rendered, e.g. `failure_type="pgfault"`
};

// Of each container; the same metric in neighbouring rows has several label values.
std::span<const UsageMetric> ContainerMetrics();
// Of each pod's own cgroup.
std::span<const UsageMetric> PodMetrics();

struct DeviceMetric {
  exposition::MetricDef container, pod;  // a pod metric without a name is not shown
  CgroupSource source;
  cgroup::Value cgroup::DeviceIo::*value;
};
// Of each container (and pod) and block device.
std::span<const DeviceMetric> DeviceMetrics();

using exposition::MetricDef;
using exposition::MetricType;

inline constexpr MetricDef kPodInfo{"cloudmon_pod_info", "Identity of a pod; always 1.", MetricType::kGauge};
inline constexpr MetricDef kContainerInfo{"cloudmon_container_info", "Identity of a container; always 1.",
                                          MetricType::kGauge};
inline constexpr MetricDef kNodeInfo{"cloudmon_node_info", "Identity of the node; always 1.", MetricType::kGauge};

// About the exporter itself.
struct SelfMetric {
  MetricDef def;
  std::string_view labels;  // for the documentation: "collector"
};
inline constexpr SelfMetric kCollectorDuration{
    {"cloudmon_collector_duration_seconds", "Time the collector's last pass took.", MetricType::kGauge}, "collector"};
inline constexpr SelfMetric kCollectionAge{
    {"cloudmon_collection_age_seconds", "Time between reading the page's values and the request for it.",
     MetricType::kGauge},
    ""};
inline constexpr SelfMetric kCollectorSuccess{
    {"cloudmon_collector_success", "Whether the collector's last pass read all that was there.", MetricType::kGauge},
    "collector"};
inline constexpr SelfMetric kCollectorErrors{
    {"cloudmon_collector_errors_total", "What a collector could not read, by reason.", MetricType::kCounter},
    "collector, reason"};
inline constexpr SelfMetric kUnidentifiedPods{
    {"cloudmon_unidentified_pods", "Pods that no identity source can name.", MetricType::kGauge}, ""};
inline constexpr SelfMetric kIdentitySourceUp{
    {"cloudmon_identity_source_up",
     "Whether the identity source answered when it was last asked; of kubernetes, whether its watch goes on.",
     MetricType::kGauge},
    "source"};
inline constexpr SelfMetric kIdentityRefreshes{
    {"cloudmon_identity_refreshes_total", "Times the identity source was asked.", MetricType::kCounter}, "source"};
inline constexpr SelfMetric kIdentitySourceErrors{
    {"cloudmon_identity_source_errors_total", "Times the identity source failed, by reason.", MetricType::kCounter},
    "source, reason"};
inline constexpr SelfMetric kBuildInfo{
    {"cloudmon_exporter_build_info", "Version of the exporter; always 1.", MetricType::kGauge}, "version"};
// Only where pushing is on.
inline constexpr SelfMetric kPushDocuments{
    {"cloudmon_push_documents_total",
     "Pushed documents, by result: sent, refused by the server for good, dropped because the queue was full.",
     MetricType::kCounter},
    "result"};
inline constexpr SelfMetric kPushFailures{
    {"cloudmon_push_failures_total", "Attempts to push a document that failed and are made again.",
     MetricType::kCounter},
    ""};
inline constexpr SelfMetric kPushQueue{
    {"cloudmon_push_queue_documents", "Documents that are not sent yet.", MetricType::kGauge}, ""};
inline constexpr SelfMetric kPushLastSuccess{
    {"cloudmon_push_last_success_timestamp_seconds", "When a document was sent last, Unix time.", MetricType::kGauge},
    ""};
// All of them, in the order of the documentation.
std::span<const SelfMetric> SelfMetrics();

}  // namespace cloudmon
