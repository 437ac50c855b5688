// SPDX-License-Identifier: Apache-2.0
// Every metric of the page is declared here once; the page and README.md's table are made from these tables.
#pragma once

#include <optional>
#include <span>

#include "common/exposition/writer.h"
#include "exporter/cgroup/usage.h"

namespace cloudmon {

// A value of a cgroup's usage: a whole number or seconds; nullopt gives no sample.
struct UsageMetric {
  exposition::MetricDef def;
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
  cgroup::Value cgroup::DeviceIo::*value;
};
// Of each container (and pod) and block device.
std::span<const DeviceMetric> DeviceMetrics();

using exposition::MetricDef;
using exposition::MetricType;

inline constexpr MetricDef kPodOomEvents{"pod_oom_events_total", "Processes of the pod that the kernel killed for lack of memory.",
                                         MetricType::kCounter};
inline constexpr MetricDef kPodInfo{"cloudmon_pod_info", "Identity of a pod; always 1.", MetricType::kGauge};
inline constexpr MetricDef kContainerInfo{"cloudmon_container_info", "Identity of a container; always 1.", MetricType::kGauge};
inline constexpr MetricDef kNodeInfo{"cloudmon_node_info", "Identity of the node; always 1.", MetricType::kGauge};
inline constexpr MetricDef kUnidentifiedPods{"cloudmon_unidentified_pods", "Pods that no identity source can name.",
                                             MetricType::kGauge};

}  // namespace cloudmon
