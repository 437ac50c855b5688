// SPDX-License-Identifier: Apache-2.0
// What one series of a page means to us: by its metric's name alone, then with its labels. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/exposition/parser.h"

namespace cloudmon::scrape {

// What is counted, in the page's units: seconds and bytes.
enum class Quantity : std::uint8_t {
  kCpuSeconds,
  kCpuPartSeconds,  // of one cpu or one mode: the parts add up
  kMemoryBytes,
  kWorkingSetBytes,
  kDiskReadBytes,
  kDiskWriteBytes,
  kNetworkRxBytes,
  kNetworkTxBytes,
  kStartSeconds,
  kMemoryTotalBytes,
  kMemoryAvailableBytes,
  kCpuCores,
  kAgeSeconds,
  kNothing,  // only that the series is there counts
};
inline constexpr std::size_t kQuantityCount = 13;

// Seconds are kept as doubles until all parts are added.
[[nodiscard]] constexpr bool IsSeconds(Quantity q) {
  return q == Quantity::kCpuSeconds || q == Quantity::kCpuPartSeconds;
}
// Several series with other devices, interfaces, cpus or modes make up one value; of other quantities there is one.
[[nodiscard]] constexpr bool AddsUp(Quantity q) {
  return q == Quantity::kCpuPartSeconds || (q >= Quantity::kDiskReadBytes && q <= Quantity::kNetworkTxBytes);
}
[[nodiscard]] constexpr bool IsNetwork(Quantity q) {
  return q == Quantity::kNetworkRxBytes || q == Quantity::kNetworkTxBytes;
}

// Whose it is.
enum class Scope : std::uint8_t {
  kIgnored,
  kPod,        // pod_*: of the pod's own cgroup
  kContainer,  // container_*: of one cgroup or network namespace within a pod, see SeriesRole::instance
  kPodInfo,
  kNode,     // node_*
  kNodeCpu,  // node_cpu_seconds_total: also says which cpus there are
  kNodeInfo,
  kMachine,  // the root cgroup and machine_*: stands in where there are no node_* series
};

struct MetricUse {
  std::string_view name;
  Scope scope;
  Quantity quantity;
};

// nullptr: nobody uses metrics of this name.
[[nodiscard]] const MetricUse* FindMetric(std::string_view name);

struct SeriesRole {
  Scope scope = Scope::kIgnored;
  Quantity quantity = Quantity::kNothing;
  std::string ns, pod;          // kPod, kPodInfo, kContainer
  std::string container;        // kContainer: empty or "POD" is the pod's own row or its pause container
  std::string instance;         // kContainer: tells a container from the one it replaced: the label `id`, else `name`
  std::string deployment, uid;  // where the labels say
  std::string node;             // kNodeInfo
  std::string cpu;              // kNodeCpu
};

// Labels: ours, cAdvisor's in the kubelet, and those of a cAdvisor on its own (container_label_io_kubernetes_*).
[[nodiscard]] SeriesRole RoleOf(const MetricUse& use, const exposition::Head& head);

// Whether a page has pod cgroup series (pod_cpu_usage_seconds_total ...): then those are the pods, and its container_*
// usage would only repeat them. A quick search that does not parse.
[[nodiscard]] bool HasPodSeries(std::string_view body);

}  // namespace cloudmon::scrape
