// SPDX-License-Identifier: Apache-2.0
// What members' values are called as Prometheus metrics, cloudmon_<kind>_<suffix>: on /metrics and in remote_write.
// Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "aggregator/series/model.h"

namespace cloudmon::series {

struct MetricKind {
  Kind kind;
  std::string_view labels;  // for the documentation
  std::string_view whose;   // ends the help text
};
// In the order of pages.
inline constexpr std::array<MetricKind, kKindCount> kMetricKinds{{
    {Kind::kPod, "namespace, deployment, pod, node", "the pod"},
    {Kind::kNamespace, "namespace", "the namespace's pods"},
    {Kind::kDeployment, "namespace, deployment", "the deployment's pods"},
    {Kind::kNode, "node", "the node itself"},
    {Kind::kCluster, "", "the cluster"},
}};

// Counters are the fields of class kTotal; the others are gauges.
struct MetricField {
  Field field;
  std::string_view suffix;
  std::string_view what;  // begins the help text
};
inline constexpr std::array<MetricField, 8> kMetricFields{{
    {Field::kCpuUsageUsec, "cpu_usage_seconds_total", "CPU time used by"},
    {Field::kMemoryBytes, "memory_bytes", "Memory in use by"},
    {Field::kMemoryWorkingSetBytes, "memory_working_set_bytes", "Working set memory of"},
    {Field::kDiskReadBytes, "disk_read_bytes_total", "Bytes read from disks by"},
    {Field::kDiskWriteBytes, "disk_written_bytes_total", "Bytes written to disks by"},
    {Field::kNetworkRxBytes, "network_receive_bytes_total", "Bytes received from the network by"},
    {Field::kNetworkTxBytes, "network_transmit_bytes_total", "Bytes sent to the network by"},
    {Field::kPods, "pods", "Pods that reported in the newest bucket"},
}};

[[nodiscard]] std::string MetricName(const MetricKind& kind, const MetricField& field);
[[nodiscard]] std::string MetricHelp(const MetricKind& kind, const MetricField& field);

// In the metric's unit: CPU time in seconds, all else as it is stored.
[[nodiscard]] constexpr bool IsInMicroseconds(Field field) {
  return field == Field::kCpuUsageUsec;
}
[[nodiscard]] constexpr double MetricValue(Field field, std::int64_t value) {
  return static_cast<double>(value) / (IsInMicroseconds(field) ? 1e6 : 1);
}

}  // namespace cloudmon::series
